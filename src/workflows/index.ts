export { deployStackato } from './deploy';
export { deployNode } from './deploy-node';
export { removeNode } from './remove-node';
export { teardownStackato } from './teardown';
export { addressDesk } from './address-desk';
export { checkPreconditions } from './doctor';
export { publishImage } from './publish-image';
