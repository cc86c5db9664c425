import type { Kind, State } from './kinds.js';

export interface Row {
  readonly kind: Kind;
  readonly handle: number;
  name: string;
  slug?: string;
  readonly refs: Record<string, number | null>;
  /** Of an entry: which relation of its document it is in. */
  state?: State;
  /** Whose the row is: the managers work for the first tenant. */
  readonly tenant: number;
  /** The number that each typed property is made from. */
  readonly typed: Record<string, number | null>;
  /** The operation that deleted the row; `null` while it is active. */
  unit: number | null;
  /** Whether the row was created behind something that the same flush removed: it need not be there, until the rows are compared. */
  unborn?: boolean;
  /** The `onUpdate` property; `undefined` once an update may have changed it, until the rows are compared. */
  touched: number | undefined;
  /** Whether the version must have grown since the rows were last compared; `undefined` if it may have. */
  bumped: boolean | undefined;
}

export type Scope = 'active' | 'with' | 'only';
export type Outcome = 'ok' | 'restricted' | 'unique' | 'optimistic' | 'conflict';

export interface Conflict {
  readonly reason: 'unique' | 'parent-deleted';
  readonly kind: Kind;
  readonly handle: number;
}

/** The changes that a manager has collected and not flushed. */
export interface Pending {
  readonly creates: Map<number, Row>;
  readonly sets: Map<number, Map<string, { from: string | number | null; to: string | number | null }>>;
  readonly removes: Set<number>;
  readonly links: Map<string, boolean>;
  /** Rows that lose a reference by one statement for all of them, which no `onUpdate` sees. */
  readonly released: Map<number, string>;
}

/** The tenant that the managers work for; rows of others are there and must stay as they are. */
export const HOME_TENANT = 1;

export const noPending = (): Pending => ({
  creates: new Map(),
  sets: new Map(),
  removes: new Set(),
  links: new Map(),
  released: new Map(),
});

export function inScope(row: Row, scope: Scope): boolean {
  return scope === 'with' || (scope === 'active') === (row.unit === null);
}

/** The value that only one active row of the kind may have. */
export function uniqueValue(row: Row): string | undefined {
  return row.kind === 'folder' ? row.slug : row.kind === 'cover' ? String(row.refs['doc']) : undefined;
}

export const newRow = (
  kind: Kind,
  handle: number,
  refs: Row['refs'],
  more: Partial<Pick<Row, 'slug' | 'state' | 'tenant' | 'typed'>> = {},
): Row => ({
  kind,
  handle,
  name: `${kind}${handle}`,
  refs,
  tenant: HOME_TENANT,
  typed: {},
  ...more,
  unit: null,
  touched: undefined,
  bumped: false,
});

/** A change of one property of a row, whatever the property is. */
export function setColumn(row: Row, column: string, to: string | number | null): void {
  if (column === 'name' || column === 'slug') {
    row[column] = String(to);
  } else if (column === 'state') {
    row.state = to as State;
  } else if (column in row.refs) {
    row.refs[column] = to as number | null;
  } else {
    row.typed[column] = to as number | null;
  }
}

export function column(row: Row, name: string): string | number | null {
  if (name === 'name' || name === 'slug' || name === 'state') {
    return row[name] ?? null;
  }
  return (name in row.refs ? row.refs[name] : row.typed[name]) ?? null;
}
