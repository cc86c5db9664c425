import type { EntityMetadata } from '@mikro-orm/core';
import type { DatabaseIndex, DatabaseTable } from '../../postgres/database-table.js';
import type { Check, Examination } from '../examination.js';
import type { Finding } from '../finding.js';
import { demandsNull } from '../../postgres/predicate.js';

/** Unique constraints and indexes that keep the values of deleted rows taken, or that enforce nothing. @internal */
export const checkUniques: Check = (examination) =>
  softDeletableTables(examination).flatMap(({ meta, column }) => {
    const table = examination.tableOf(meta);
    return (table?.indexes ?? [])
      .filter((index) => index.unique && !index.primary && !demandsNull(index.predicate, column))
      .filter((index) => !coversKey(meta, index) && !(index.columns.includes(column) && index.nullsNotDistinct))
      .map((index) => describe(examination, meta, table!, column, index));
  });

function describe(
  examination: Examination,
  meta: EntityMetadata,
  table: DatabaseTable,
  column: string,
  index: DatabaseIndex,
): Finding {
  const properties = index.columns.map((name) => propertyOf(meta, name) ?? name ?? 'an expression');
  const active = properties.filter((_, i) => index.columns[i] !== column);
  const fix = mend(examination, meta, table, column, index, active);
  if (index.columns.includes(column)) {
    return {
      code: 'unique-without-effect',
      severity: 'error',
      entity: meta.className,
      problem: `${index.name} on (${index.columns.join(', ')}) enforces nothing among active rows: their ${column} is null, and nulls are distinct. Two active rows may have the same ${active.join(', ')}.`,
      fix,
    };
  }
  return {
    code: 'unique-counts-deleted',
    severity: 'warning',
    entity: meta.className,
    problem: `${index.name} on (${index.columns.map((name) => name ?? 'an expression').join(', ')}) counts deleted rows: once a ${meta.className} is deleted, no other can have its ${active.join(', ')}, and whoever tries gets a unique violation because of a row they cannot see.`,
    fix,
  };
}

function mend(
  { quote, label }: Examination,
  meta: EntityMetadata,
  table: DatabaseTable,
  column: string,
  index: DatabaseIndex,
  properties: readonly string[],
): string {
  const list = `{ properties: [${properties.map((name) => `'${name}'`).join(', ')}] }`;
  if (meta.tptParent) {
    return `Move ${properties.join(', ')} to ${meta.root.className}, whose table has the timestamp, and write @ActiveUnique(${list}) there.`;
  }
  const drop = index.constraint
    ? `alter table ${label(table)} drop constraint ${quote(index.name)};`
    : `drop index ${quote(table.schema)}.${quote(index.name)};`;
  const columns = index.columns.filter((name) => name !== null && name !== column) as string[];
  // Whatever else the index says, such as an expression or `nulls not distinct`, stays.
  const create = index.columns.includes(column)
    ? `create unique index ${quote(index.name)} on ${label(table)} (${columns.map(quote).join(', ')}) where ${quote(column)} is null;`
    : `${definitionOf(index)}${index.predicate === null ? ' where' : ' and'} (${quote(column)} is null);`;
  const first =
    index.referencedBy.length > 0
      ? `First let ${index.referencedBy.join(', ')} reference the primary key: no foreign key can rely on a partial index. Then `
      : '';
  const decorator = index.columns.includes(null)
    ? `@Unique({ expression: … }) with \`where ${quote(column)} is null\``
    : `@ActiveUnique(${list})`;
  return `${first}${decorator} on ${meta.className} in place of the unique; in SQL: ${drop} ${create}`;
}

function definitionOf({ definition }: DatabaseIndex): string {
  return definition
    .replace(/^CREATE UNIQUE INDEX (.*) ON (?:ONLY )?/, 'create unique index $1 on ')
    .replace(' USING btree ', ' ');
}

/** The tables of soft-deletable entities, those below the root of a table-per-type hierarchy included. */
function softDeletableTables({ metadata, catalog }: Examination): { meta: EntityMetadata; column: string }[] {
  return metadata.flatMap((meta) => {
    const entry = meta.root === meta || meta.tptParent ? catalog.find(meta) : undefined;
    return entry ? [{ meta, column: entry.column }] : [];
  });
}

/** What contains the primary key is unique anyway. */
function coversKey(meta: EntityMetadata, index: DatabaseIndex): boolean {
  return meta.getPrimaryProps().every(({ fieldNames }) => fieldNames.every((name) => index.columns.includes(name)));
}

function propertyOf(meta: EntityMetadata, column: string | null): string | undefined {
  return meta.props.find(({ fieldNames }) => column !== null && fieldNames?.includes(column))?.name;
}
