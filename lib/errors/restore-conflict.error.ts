import { SoftDeleteError } from './soft-delete.error.js';

/** One reason why a row cannot come back. */
export interface RestoreConflict {
  /**
   * `unique`: another row holds the value, see `conflictingWith`. `parent-deleted`: the row that owns this one is deleted itself, or
   * archived.
   * `schema`: the table does not take the row, see `column`.
   *
   * Of archived rows: `key`: another row has taken the primary key. `parent-missing`: a row that this one points at is gone for good.
   */
  readonly reason: 'unique' | 'key' | 'parent-deleted' | 'parent-missing' | 'schema';
  /** The entity of the row that was to be restored. */
  readonly entity: string;
  /**
   * Its primary key: a value, or the values of a composite key in the order of their declaration. `undefined` where a row that cannot
   * be seen holds the value, or one that comes and goes: then only the database's constraint is known.
   */
  readonly key: unknown;
  /** The unique constraint or index that the row would violate, the relation to the deleted parent, or the trigger that keeps the row deleted. */
  readonly constraint?: string;
  /** The properties whose values are taken, where the constraint is one of plain columns. */
  readonly properties?: readonly string[];
  /** The primary key of the other row that holds the value, or of the deleted parent. */
  readonly conflictingKey?: unknown;
  /** Of `unique`: whether the other row is an active one or would be restored together with this one. */
  readonly conflictingWith?: 'active' | 'restored';
  /**
   * Of `schema`: the column that is unknown today, has another type, is new and required without a default, or gets another value from a
   * trigger; `*` where the whole table is gone, or does not take the row.
   */
  readonly column?: string;
}

/**
 * A unit cannot be restored as a whole, so none of it was: neither the database nor memory changed.
 *
 * @publicApi
 */
export class RestoreConflictError extends SoftDeleteError {
  readonly code = 'RESTORE_CONFLICT';

  constructor(
    readonly entity: string,
    readonly conflicts: readonly RestoreConflict[],
    detail?: string,
  ) {
    super(
      `${entity} was not restored: ${shown(conflicts)}. ${detail === undefined ? '' : `${detail} `}${advice(conflicts)}`,
    );
  }
}

/** How many conflicts a message names. */
const SHOWN = 10;

function shown(conflicts: readonly RestoreConflict[]): string {
  const more = conflicts.length - SHOWN;
  return [...conflicts.slice(0, SHOWN).map(describe), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function describe({
  reason,
  entity,
  key,
  constraint,
  properties,
  conflictingKey,
  conflictingWith,
  column,
}: RestoreConflict): string {
  const row = `${entity} ${keyText(key)}`;
  if (reason === 'schema' && column === '*') {
    return key === undefined ? `a table rejects a row of ${entity}` : `the table of ${row} is gone, or rejects it`;
  }
  if (isKept({ reason, key, constraint })) {
    return `${constraint} keeps ${row} deleted`;
  }
  if (reason === 'schema' && key === undefined) {
    return `the column ${column} of ${entity} no longer accepts a value that it had when the row was archived`;
  }
  if (reason === 'schema') {
    return `the column ${column} of ${row} is not what it was when the row was archived`;
  }
  if (reason === 'key') {
    return `another row has the key of ${row}`;
  }
  if (reason === 'parent-missing') {
    return `${row} references a row that is gone (${constraint})`;
  }
  if (reason === 'parent-deleted') {
    return `${row} belongs to ${constraint} ${keyText(conflictingKey)}, which is deleted`;
  }
  const value = properties?.join(', ') ?? `value of ${constraint ?? 'a unique constraint'}`;
  if (key === undefined) {
    return `a row would have the same ${value} as another row`;
  }
  return conflictingWith === 'restored'
    ? `${row} has the same ${value} as ${keyText(conflictingKey)}, which would be restored together with it`
    : `${row} has the same ${value} as the active row ${keyText(conflictingKey)}`;
}

/** Whether the database keeps a row deleted that was not archived. */
function isKept({ reason, key, constraint }: Pick<RestoreConflict, 'reason' | 'key' | 'constraint'>): boolean {
  return reason === 'schema' && key !== undefined && constraint !== undefined;
}

/** A key in words: the parts of a composite one, bytes as hexadecimal digits, times in ISO format. */
function keyText(key: unknown): string {
  if (Array.isArray(key)) {
    return key.map(keyText).join(', ');
  }
  if (key instanceof Date) {
    return key.toISOString();
  }
  return ArrayBuffer.isView(key)
    ? `0x${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex')}`
    : String(key);
}

function advice(conflicts: readonly RestoreConflict[]): string {
  const unique = conflicts.filter(({ reason }) => reason === 'unique');
  return [
    unique.some(({ key, conflictingWith }) => key !== undefined && conflictingWith !== 'restored') &&
      'Change or delete the active row first.',
    unique.some(({ conflictingWith }) => conflictingWith === 'restored') &&
      'Restore one of the rows that share a value, or change the value of the others.',
    unique.some(({ key }) => key === undefined) &&
      'Another transaction may be taking the value right now, or the row that has it is hidden from this role: try again, or look it up by the constraint.',
    conflicts.some(({ reason }) => reason === 'key') && 'Remove the row that has the key, or give it another one.',
    conflicts.some(({ reason }) => reason === 'parent-missing') && 'Insert the referenced row again.',
    conflicts.some(isKept) && 'Have it leave the time as it is written, or raise an error that says why not.',
    conflicts.some((conflict) => conflict.reason === 'schema' && !isKept(conflict)) &&
      'Declare a renamed or dropped column with { archive: { renamed, dropped } } of @SoftDeletable(), give a new column a default, change the type back, or let triggers keep the values that an insert sets.',
    conflicts.some(({ reason }) => reason === 'parent-deleted') && 'Restore the parent, or pass { withParents: true }.',
  ]
    .filter(Boolean)
    .join(' ');
}
