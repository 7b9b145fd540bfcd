import { describeKilled } from './container-store-killed';

describeKilled('ephemeral', { 'at first boot': ['kill -9'], later: ['power failure'] });
