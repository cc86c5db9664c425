import { Type } from '@mikro-orm/core';

/** A value object that its column holds as text. */
export class Money {
  constructor(readonly amount: number) {}
}

export class MoneyType extends Type<Money | null, string | null> {
  override convertToDatabaseValue(value: Money | string | null): string | null {
    return value instanceof Money ? `EUR ${value.amount}` : value;
  }

  override convertToJSValue(value: Money | string | null): Money | null {
    return typeof value === 'string' ? new Money(Number(value.slice(4))) : value;
  }

  override compareAsType(): string {
    return 'string';
  }

  override getColumnType(): string {
    return 'text';
  }
}

/** A property of a type that memory and database hold in different forms. Every value is made from a number. */
interface TypedProperty {
  /** The column as JSON, and what it must be for a number. */
  readonly column: string;
  stored(n: number): unknown;
  /** What the entity holds, and the same as plain data. */
  make(n: number): unknown;
  plain(value: any): unknown;
  /** The columns with the value as SQL. */
  literals(n: number): Readonly<Record<string, string>>;
}

const json = (n: number) => ({ n, list: [n, { text: `"${n}"` }] });

export const TYPED: Readonly<Record<string, TypedProperty>> = {
  data: {
    column: 'data',
    stored: json,
    make: json,
    plain: (value) => value,
    literals: (n) => ({ data: `'${JSON.stringify(json(n))}'` }),
  },
  labels: {
    column: 'to_json(labels)',
    stored: (n) => [`l${n}`, 'a,"b"'],
    make: (n) => [`l${n}`, 'a,"b"'],
    plain: (value) => value,
    literals: (n) => ({ labels: `array['l${n}', 'a,"b"']` }),
  },
  price: {
    column: 'to_json(price)',
    stored: (n) => `EUR ${n}`,
    make: (n) => new Money(n),
    plain: (value) => (value instanceof Money ? `EUR ${value.amount}` : { not: value }),
    literals: (n) => ({ price: `'EUR ${n}'` }),
  },
  shape: {
    column: 'shape',
    stored: (n) => ({ width: n, label: `"${n}"` }),
    make: (n) => ({ width: n, label: `"${n}"` }),
    plain: (value) => ({ width: value.width, label: value.label }),
    literals: (n) => ({ shape: `'${JSON.stringify({ width: n, label: `"${n}"` })}'` }),
  },
  spot: {
    column: `case when spot_x is null then null else json_build_object('x', spot_x, 'y', spot_y) end`,
    stored: (n) => ({ x: n, y: `y${n}` }),
    make: (n) => ({ x: n, y: `y${n}` }),
    plain: (value) => ({ x: value.x, y: value.y }),
    literals: (n) => ({ spot_x: String(n), spot_y: `'y${n}'` }),
  },
  seen: {
    column: `to_json(to_char(seen at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`,
    stored: (n) => new Date(n * 1_000).toISOString(),
    make: (n) => new Date(n * 1_000),
    plain: (value) => (value instanceof Date ? value.toISOString() : { not: value }),
    literals: (n) => ({ seen: `'${new Date(n * 1_000).toISOString()}'` }),
  },
};

export const TYPED_PROPERTIES = Object.keys(TYPED);

/** The key that an entity has in memory for the number in its row. */
export class PrefixedKey extends Type<string, number> {
  override convertToDatabaseValue(value: string | number): number {
    return typeof value === 'string' ? Number(value.slice(4)) : value;
  }

  override convertToJSValue(value: string | number): string {
    return typeof value === 'string' ? value : `key_${value}`;
  }

  override compareAsType(): string {
    return 'number';
  }

  override getColumnType(): string {
    return 'int';
  }
}

/** JSON with sorted names, so that equal data is equal text. */
export function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
