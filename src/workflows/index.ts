export { deployStackato } from './deploy';
export { teardownStackato } from './teardown';
export { addressDesk } from './address-desk';
export { checkPreconditions } from './doctor';
export { publishImage } from './publish-image';
