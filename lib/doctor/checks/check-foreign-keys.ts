import { Cascade, type EntityMetadata, type EntityProperty } from '@mikro-orm/core';
import { createIndexSql } from '../create-index-sql.js';
import { keyColumns } from '../../metadata/relations/relation-graph.js';
import type { DatabaseForeignKey, DatabaseTable } from '../../postgres/database-table.js';
import type { Check, Examination } from '../examination.js';
import type { Finding } from '../finding.js';
import { admitsNotNull } from '../../postgres/predicate.js';

/** Foreign keys that are slow to follow, or that delete and change rows in ways that soft deletion does not. @internal */
export const checkForeignKeys: Check = (examination) =>
  examination.tables.flatMap((table) => table.foreignKeys.flatMap((key) => examine(examination, table, key)));

function examine(examination: Examination, table: DatabaseTable, key: DatabaseForeignKey): Finding[] {
  const parentTable = examination.referenced(key);
  const child = examination.entityOf(table);
  const parent = parentTable && examination.entityOf(parentTable);
  if (!parentTable || !parent || (child && child !== parent && child.root === parent.root)) {
    return [];
  }
  const { catalog } = examination;
  const findings: (Finding | undefined)[] = [];
  if (catalog.find(parent)) {
    findings.push(notIndexed(examination, table, key, child, parent));
    // A key of an archived row may be cleared: what is not to be lost is the row.
    const isKept = child && (catalog.find(child) || (catalog.findArchived(child) && key.deleteRule !== 'cascade'));
    if (!child?.pivotTable && !isKept) {
      findings.push(plainRowsBehind(examination, table, key, child, parent));
    }
  } else if (child && catalog.findMarked(child)) {
    findings.push(hardDeletedParent(examination, table, key, child, parent));
  }
  return findings.filter((finding) => finding !== undefined);
}

function notIndexed(
  examination: Examination,
  table: DatabaseTable,
  key: DatabaseForeignKey,
  child: EntityMetadata | undefined,
  parent: EntityMetadata,
): Finding | undefined {
  const { label, quote } = examination;
  const indexes = table.indexes.filter(
    ({ method, columns, predicate }) =>
      (method === 'btree' || method === 'hash') &&
      key.columns.every((column) => columns.slice(0, key.columns.length).includes(column)) &&
      admitsNotNull(predicate, key.columns),
  );
  const property = child && propertyOf(child, key);
  const [invalid] = indexes;
  const sql = invalid
    ? `reindex index concurrently ${quote(table.schema)}.${quote(invalid.name)};`
    : createIndexSql(examination, table, key.columns);
  return indexes.some(({ valid }) => valid)
    ? undefined
    : {
        code: 'foreign-key-not-indexed',
        severity: 'warning',
        entity: child && !child.pivotTable ? child.className : label(table),
        problem: `${key.name} on ${label(table)} (${key.columns.join(', ')}) has no ${invalid ? 'valid ' : ''}index: to delete, restore or purge one ${parent.className}, the database reads the whole table.`,
        fix: `${property && !child.pivotTable ? `\`index: true\` in the relation ${child.className}.${property}; in SQL: ` : ''}${sql}`,
      };
}

function plainRowsBehind(
  examination: Examination,
  table: DatabaseTable,
  key: DatabaseForeignKey,
  child: EntityMetadata | undefined,
  parent: EntityMetadata,
): Finding | undefined {
  const { label } = examination;
  const what = child?.className ?? label(table);
  const decided = decidedRelations(examination, child, key, parent);
  if ((key.deleteRule !== 'cascade' && key.deleteRule !== 'set null') || decided === 'all') {
    return undefined;
  }
  const later = key.deleteRule === 'cascade' ? 'removes them for good' : `clears their ${key.columns.join(', ')}`;
  const which = decided.length > 0 ? `its ${what} rows outside of ${decided.join(' and ')}` : `its ${what} rows`;
  return {
    code: 'plain-rows-behind-key',
    severity: 'warning',
    entity: what,
    problem: `${key.name} says on delete ${key.deleteRule}, but deleting a ${parent.className} is an update now: ${which} stay as they are and stay visible, until the purge of the ${parent.className} ${later}.`,
    fix: child
      ? `Mark ${what} with @SoftDeletable() to delete it along; or, if its rows are parts of ${parent.className}, declare so there: @SoftDeletable({ relations: { …: 'cascade' } }).`
      : `Add an entity for ${what} and mark it with @SoftDeletable(), or replace the rule of the key; in SQL: ${restrictSql(examination, table, key)}`,
  };
}

/**
 * The relations over a key of which somebody has decided what becomes of their rows, by naming them or by the ORM's own cascades;
 * `'all'` if they contain every row. Relations with a `where` leave the others to the key.
 */
function decidedRelations(
  { catalog }: Examination,
  child: EntityMetadata | undefined,
  key: DatabaseForeignKey,
  parent: EntityMetadata,
): 'all' | readonly string[] {
  const { relations } = catalog.get(parent);
  const decided = catalog.graph
    .from(parent)
    .filter(
      ({ child: other, link }) =>
        other.root === child?.root && link.kind === 'child-key' && sameColumns(link.columns, key),
    )
    .filter(
      ({ property, parent: declaring }) =>
        property !== undefined && (property in relations || owns(declaring, property)),
    );
  const isWhole = decided.some(({ members }) => members.child.length === 0 && members.parent.length === 0);
  return isWhole ? 'all' : decided.map(({ name }) => name);
}

function hardDeletedParent(
  examination: Examination,
  table: DatabaseTable,
  key: DatabaseForeignKey,
  child: EntityMetadata,
  parent: EntityMetadata,
): Finding | undefined {
  const { catalog, label } = examination;
  const entity = child.className;
  const fix = `Mark ${parent.className} with @SoftDeletable() as well, or give ${entity}.${propertyOf(child, key) ?? key.name} \`deleteRule: 'restrict'\`; in SQL: ${restrictSql(examination, table, key)}`;
  const finding = (severity: Finding['severity'], problem: string, advice = fix): Finding => ({
    code: 'hard-deleted-parent',
    severity,
    entity,
    problem,
    fix: advice,
  });
  if (catalog.findArchived(child)) {
    return key.deleteRule === 'cascade' && !catalog.findArchived(parent)
      ? finding(
          'error',
          `${key.name} says on delete cascade, and ${parent.className} is not soft-deletable: deleting a ${parent.className} removes its ${entity} rows without a copy in the archive.`,
        )
      : undefined;
  }
  if (key.deleteRule === 'cascade') {
    return catalog.get(child).guard
      ? finding(
          'warning',
          `${key.name} says on delete cascade, and ${parent.className} is not soft-deletable: deleting a ${parent.className} with rows in ${label(table)} fails, because the guard refuses to delete them physically.`,
        )
      : finding(
          'error',
          `${key.name} says on delete cascade, and ${parent.className} is not soft-deletable: deleting a ${parent.className} removes its ${entity} rows for good, active and deleted ones, past every retention.`,
        );
  }
  if (key.deleteRule === 'set null') {
    return finding(
      'warning',
      `${key.name} says on delete set null, and ${parent.className} is not soft-deletable: deleting a ${parent.className} cuts its ${entity} rows off, and a restored one has lost its link.`,
    );
  }
  const owning = parent.relations.find(
    (prop) => prop.targetMeta?.root === child.root && owns(parent, prop.name) && isOver(prop, key),
  );
  return owning
    ? finding(
        'warning',
        `${parent.className}.${owning.name} takes the ${entity} rows along when a ${parent.className} is removed. They are deleted softly and stay, so ${key.name} refuses the removal.`,
        `Mark ${parent.className} with @SoftDeletable() as well, or take the cascade or \`orphanRemoval\` off ${parent.className}.${owning.name}.`,
      )
    : undefined;
}

function restrictSql(
  { label, quote }: Examination,
  table: DatabaseTable,
  { name, definition }: DatabaseForeignKey,
): string {
  const rule = definition.replace(/ ON DELETE (?:CASCADE|SET NULL(?: \([^)]*\))?)/, ' ON DELETE RESTRICT');
  return `alter table ${label(table)} drop constraint ${quote(name)}, add constraint ${quote(name)} ${rule};`;
}

function owns(meta: EntityMetadata, property: string): boolean {
  const prop = meta.properties[property];
  return Boolean(
    prop?.orphanRemoval || prop?.cascade?.some((cascade) => cascade === Cascade.REMOVE || cascade === Cascade.ALL),
  );
}

function propertyOf(meta: EntityMetadata, key: DatabaseForeignKey): string | undefined {
  return meta.relations.find((prop) => sameColumns(keyColumns(prop), key))?.name;
}

function isOver({ mappedBy, targetMeta }: EntityProperty, key: DatabaseForeignKey): boolean {
  const owner = targetMeta?.properties[mappedBy as string];
  return owner !== undefined && sameColumns(keyColumns(owner), key);
}

function sameColumns(columns: readonly string[], key: DatabaseForeignKey): boolean {
  return columns.length === key.columns.length && columns.every((column) => key.columns.includes(column));
}
