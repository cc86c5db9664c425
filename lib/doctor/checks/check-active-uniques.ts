import type { DatabaseIndex, DatabaseTable } from '../../postgres/database-table.js';
import type { Check, Examination } from '../examination.js';
import type { Finding } from '../finding.js';
import { type ActiveUniqueMetadata, findActiveUniques } from '../../schema/find-active-uniques.js';
import { demandsNull } from '../../postgres/predicate.js';

/** Unique indexes over active rows that the model has and the database has not. @internal */
export const checkActiveUniques: Check = (examination) =>
  examination.catalog.all().flatMap((entry): Finding[] => {
    const table = examination.tableOf(entry.meta);
    return !table?.columns.some(({ name }) => name === entry.column)
      ? []
      : findActiveUniques(entry, examination.platform).flatMap((unique) => {
          const indexes = table.indexes.filter((index) => enforces(index, unique, entry.column));
          return indexes.some(({ valid }) => valid)
            ? []
            : [describe(examination, table, entry.name, unique, indexes[0], entry.column)];
        });
  });

/** An index that counts deleted rows as well enforces it too, and more: that is another finding. */
function enforces(index: DatabaseIndex, { columns }: ActiveUniqueMetadata, column: string): boolean {
  return (
    index.unique &&
    index.columns.length === columns.length &&
    columns.every((name) => index.columns.includes(name)) &&
    (index.predicate === null || demandsNull(index.predicate, column))
  );
}

function describe(
  { quote, label }: Examination,
  table: DatabaseTable,
  entity: string,
  { name, properties, columns, allActiveRows }: ActiveUniqueMetadata,
  invalid: DatabaseIndex | undefined,
  column: string,
): Finding {
  const effect = `two active rows may have the same ${properties.join(', ')}`;
  const sql = `create unique index ${quote(name)} on ${label(table)} (${columns.map(quote).join(', ')}) where ${quote(column)} is null;`;
  return {
    code: 'active-unique-missing',
    severity: 'error',
    entity,
    problem: invalid
      ? `${invalid.name} is invalid: its creation was interrupted, and ${effect}.`
      : `${label(table)} has no unique index ${name}, so ${effect}.`,
    fix: invalid
      ? `reindex index concurrently ${quote(table.schema)}.${quote(invalid.name)};`
      : `Run \`mikro-orm schema:update\`, or create and run a migration${allActiveRows ? `; in SQL: ${sql}` : '.'}`,
  };
}
