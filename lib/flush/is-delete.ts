import { type ChangeSet, ChangeSetType } from '@mikro-orm/core';

/** Whether a change set deletes a row: early, where another one takes over a unique value of it. @internal */
export function isDelete({ type }: ChangeSet<object>): boolean {
  return type === ChangeSetType.DELETE || type === ChangeSetType.DELETE_EARLY;
}
