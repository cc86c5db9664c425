/** Entities of rows that are in the archive: read from there, or still held by somebody who had loaded them before. */
const detached = new WeakSet<object>();

/** @internal */
export function markDetached(entity: object): void {
  detached.add(entity);
}

/** @internal */
export function unmarkDetached(entity: object): void {
  detached.delete(entity);
}

/** Whether an entity's row was in the archive when it was read, or went there since. @internal */
export function isDetached(entity: object): boolean {
  return detached.has(entity);
}
