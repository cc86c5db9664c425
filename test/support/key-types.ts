import { Type, types } from '@mikro-orm/core';

/** `usr_12` in the application, 12 in the database; anything else is refused, as such types do. */
class PrefixedId extends Type<string, number> {
  override convertToDatabaseValue(value: unknown): number {
    if (typeof value !== 'string' || !value.startsWith('usr_')) {
      throw new Error(`no prefixed id: ${String(value)}`);
    }
    return Number(value.slice(4));
  }

  override convertToJSValue(value: unknown): string {
    return typeof value === 'string' && value.startsWith('usr_') ? value : `usr_${String(value)}`;
  }

  override getColumnType(): string {
    return 'int';
  }

  override compareAsType(): string {
    return 'number';
  }
}

export interface KeyType {
  readonly name: string;
  /** The options of its property. */
  readonly column: Record<string, unknown>;
  /** The key of a number from 1 to 9, as its entity has it. */
  readonly value: (n: number) => any;
  /** Whether the ORM tells two rows with such keys apart, and knows the entity that another row references. */
  readonly isIdentity?: false;
}

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] as const;

/** Types of primary keys. They need `KEY_TYPES_SQL`. */
export const KEY_TYPES: readonly KeyType[] = [
  { name: 'prefixed', column: { type: PrefixedId }, value: (n) => `usr_${n}` },
  { name: 'bytes', column: { type: types.blob }, value: (n) => Buffer.from([0, n, 0x5c, 0x22]) },
  { name: 'numeric', column: { type: types.decimal, precision: 10, scale: 2 }, value: (n) => `${n}.50` },
  // A string, since the property's own type says nothing else; read again with `refresh`, MikroORM itself makes it a number.
  { name: 'double', column: { type: 'double' }, value: (n) => `0.${n}`, isIdentity: false },
  { name: 'padded', column: { type: 'string', columnType: 'char(6)' }, value: (n) => `k${n}    ` },
  { name: 'uuid', column: { type: 'uuid' }, value: (n) => `a0eebc99-9c0b-4ef8-bb6d-6bb9bd38000${n}` },
  { name: 'big', column: { type: types.bigint }, value: (n) => 9_007_199_254_740_992n + BigInt(n) },
  { name: 'day', column: { type: 'date' }, value: (n) => `2026-01-0${n}` },
  // MikroORM itself has two entities for one row whose key is a Date, once another row references it.
  {
    name: 'moment',
    column: { type: 'datetime', length: 3 },
    value: (n) => new Date(`2026-01-0${n}T00:00:00.123Z`),
    isIdentity: false,
  },
  { name: 'text', column: { type: 'text' }, value: (n) => `~~~"\\,{}' ?${n}` },
  {
    name: 'checked',
    column: { type: 'enum', enum: true, items: () => LETTERS },
    value: (n) => LETTERS[n - 1],
  },
  {
    name: 'native',
    column: { type: 'enum', enum: true, items: () => LETTERS, nativeEnumName: 'letter' },
    value: (n) => LETTERS[n - 1],
  },
  { name: 'folded', column: { type: 'string', columnType: 'citext' }, value: (n) => `Key-${n}` },
];

export const KEY_TYPES_SQL = 'create extension if not exists citext';

/** Keys that the application writes in another way than the database, which takes them for the same. */
export const OTHER_SPELLINGS: readonly (KeyType & { readonly stored: (n: number) => string })[] = [
  {
    name: 'upper',
    column: { type: 'uuid' },
    value: (n) => `A0EEBC99-9C0B-4EF8-BB6D-6BB9BD38000${n}`,
    stored: (n) => `a0eebc99-9c0b-4ef8-bb6d-6bb9bd38000${n}`,
  },
  {
    name: 'short',
    column: { type: types.decimal, precision: 10, scale: 2 },
    value: (n) => `${n}.5`,
    stored: (n) => `${n}.50`,
  },
  {
    name: 'unpadded',
    column: { type: 'string', columnType: 'char(6)' },
    value: (n) => `k${n}`,
    stored: (n) => `k${n}    `,
  },
];
