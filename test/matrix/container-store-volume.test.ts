import { describeKilled } from './container-store-killed';

describeKilled('volume', { 'at first boot': ['kill -9'], later: ['kill -9', 'power failure'] });
