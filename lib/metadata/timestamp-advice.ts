import { types } from '@mikro-orm/core';
import type { EntityProperty } from '@mikro-orm/core';

const DECLARE = "Declare it with `type: 'timestamptz'`";
const PAGE = 'docs/migrating.md has the statements';

/** By the type of the column: what it cannot say, and how a migration makes a time of it. */
const OTHER_TYPES: readonly (readonly [
  type: RegExp,
  why: string,
  convert: ((column: string) => string) | undefined,
])[] = [
  [/^date$/i, 'A date does not tell the deletions of one day apart.', undefined],
  [/^bool/i, 'A boolean says that a row is deleted, but not when.', undefined],
  [/^time/i, 'A time of day does not say on which day.', undefined],
  [
    /^(small|big)?(int(eger|\d)?|serial)\b|^(numeric|decimal|double|real|float)/i,
    'A number is not compared with the clock of the database.',
    (column) => `to_timestamp(${column}) for seconds, to_timestamp(${column} / 1000.0) for milliseconds`,
  ],
  [
    /^(text|varchar|char|citext)/i,
    'A text is compared letter by letter, and not as a time.',
    (column) => `${column}::timestamptz`,
  ],
];

/** The user's own type of a property, by name; nothing for one of the ORM's. @internal */
export function ownTypeOf({ customType }: EntityProperty): string | undefined {
  const isOfOrm = Object.values<unknown>(types).includes(customType?.constructor);
  return isOfOrm ? undefined : customType?.constructor.name;
}

/** What to do with a property that cannot hold a time of deletion, by what it is. @internal */
export function timestampAdvice(prop: EntityProperty, columnType: string): string {
  if (ownTypeOf(prop)) {
    return `Use \`type: 'timestamptz'\`, or a custom type whose \`getColumnType()\` gives timestamptz and which converts that.`;
  }
  const [, why, convert] =
    (columnType.endsWith(']') ? undefined : OTHER_TYPES.find(([type]) => type.test(columnType))) ?? [];
  if (why === undefined) {
    return `${DECLARE}.`;
  }
  const column = `"${prop.fieldNames[0]!}"`;
  return convert
    ? `${why} ${DECLARE}, and convert the column in the migration: alter column ${column} type timestamptz using ${convert(column)}.`
    : `${why} ${DECLARE}, and give each deleted row a distinct time in the migration: ${PAGE}.`;
}
