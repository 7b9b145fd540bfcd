/** Defaults that more than one place has to know. */

export const DEFAULT_POLL = '5s';

export const DEFAULT_PORT = { ssh: 22, http: 80, https: 443 } as const;

export const DEADLINES = {
  cloud: { normal: '10m', about: 'For a call of the cloud to succeed.' },
  dns: { normal: '5m', about: 'For the name server to take the update and answer with it.' },
  launch: { normal: '15m', about: 'For the instance to run.' },
  ready: { normal: '20m', about: 'For ssh to answer and kato to be ready.' },
  command: { normal: '45m', about: 'For one kato command.' },
  reboot: { normal: '20m', about: 'For the machine to come back with a new boot id.' },
  console: { normal: '20m', about: 'For the console to answer through its name.' },
  publish: { normal: '6h', about: 'For kernel, ramdisk or image to be bundled, uploaded and registered.' },
} as const;
