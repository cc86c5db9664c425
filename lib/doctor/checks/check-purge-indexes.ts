import type { SoftDeletableEntityMetadata } from '../../metadata/soft-delete-catalog.js';
import type { DatabaseTable } from '../../postgres/database-table.js';
import type { Check, Examination } from '../examination.js';
import { createIndexSql } from '../create-index-sql.js';
import type { Finding } from '../finding.js';
import { admitsNotNull, mentionsColumn } from '../../postgres/predicate.js';

/** The index that a purge, a restore and a cascade read. @internal */
export const checkPurgeIndexes: Check = (examination) =>
  examination.catalog.all().flatMap((entry) => {
    const table = examination.tableOf(entry.meta);
    if (!table?.columns.some(({ name }) => name === entry.column)) {
      return [];
    }
    return (entry.purgeIndex ? wanted(examination, entry, table) : declined(examination, entry, table)) ?? [];
  });

function wanted(
  examination: Examination,
  entry: SoftDeletableEntityMetadata,
  table: DatabaseTable,
): Finding | undefined {
  const { name: entity, meta, column, property } = entry;
  const candidates = table.indexes.filter(
    (index) => index.method === 'btree' && index.columns[0] === column && admitsNotNull(index.predicate, [column]),
  );
  const label = examination.label(table);
  if (candidates.length === 0) {
    const declared = meta.indexes.some(({ properties }) => [properties].flat()[0] === property);
    const key = [column, ...meta.getPrimaryProps().flatMap(({ fieldNames }) => fieldNames)];
    const sql = createIndexSql(examination, table, key, `${examination.quote(column)} is not null`);
    return {
      code: 'purge-index-missing',
      severity: 'warning',
      entity,
      problem: `${label} has no index on its deleted rows, so every purge, restore and cascade reads the whole table.`,
      fix: declared
        ? `Run \`mikro-orm schema:update\` or create a migration; in SQL: ${sql}`
        : `Put the mark on ${entity} itself, not on what it was made from, so that the index is part of its schema; in SQL: ${sql}`,
    };
  }
  const broken = candidates.every(({ valid }) => !valid) && candidates[0];
  if (broken) {
    return {
      code: 'purge-index-invalid',
      severity: 'error',
      entity,
      problem: `${broken.name} is invalid: its creation was interrupted. It slows every write and helps no read, and every purge reads the whole table.`,
      fix: `reindex index concurrently ${examination.quote(table.schema)}.${examination.quote(broken.name)};`,
    };
  }
  return undefined;
}

/** Who declines the index may have another, or a table so small that none is needed. */
function declined(
  examination: Examination,
  { name: entity, meta, column }: SoftDeletableEntityMetadata,
  table: DatabaseTable,
): Finding | undefined {
  const covered = table.indexes.some(
    ({ valid, columns, predicate }) => valid && (columns.includes(column) || mentionsColumn(predicate, column)),
  );
  const key = [column, ...meta.getPrimaryProps().flatMap(({ fieldNames }) => fieldNames)];
  const sql = createIndexSql(examination, table, key, `${examination.quote(column)} is not null`);
  return covered || table.estimatedRows < examination.largeTable
    ? undefined
    : {
        code: 'timestamp-not-indexed',
        severity: 'warning',
        entity,
        problem: `${examination.label(table)} has about ${Math.round(table.estimatedRows)} rows and no index with ${column}: deleted rows are read with the active ones in every query, and every purge reads the whole table.`,
        fix: `Remove \`purgeIndex: false\` from @SoftDeletable(), and put @ActiveIndex() on the properties that queries search; in SQL: ${sql}`,
      };
}
