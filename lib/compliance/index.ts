export type { DeletionContext } from '../events/deletion-context.js';
export { withDeletionContext } from '../events/with-deletion-context.js';
