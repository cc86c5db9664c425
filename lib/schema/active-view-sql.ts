import { createHash } from 'node:crypto';
import { type EntityCtor, type EntityMetadata, type EntityProperty, ReferenceKind } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { activePredicateSql } from '../metadata/active-predicate.js';
import { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../sql/table-name.js';

/**
 * A row without columns, joined to every row: PostgreSQL plans it away, but does not let anyone write through a view that
 * selects from two sources. A delete through it would be physical.
 */
const READ_ONLY = 'cross join (select) as "read_only"';

/**
 * The query of an active view. Its last condition is always true and costs nothing: it repeats the columns' types, without
 * which the schema generator would not notice that one has changed, and PostgreSQL refuses to change the type of a column
 * that a view shows.
 *
 * @internal
 */
export function activeViewSql(em: EntityManager, source: EntityCtor, catalog = SoftDeleteCatalog.of(em)): string {
  const meta = em.getMetadata().get(source);
  const { column } = catalog.get(meta);
  const quote = (name: string) => em.getPlatform().quoteIdentifier(name);
  const tables = [meta.inheritanceType === 'tpt' ? meta : meta.root];
  while (tables.at(-1)!.tptParent) {
    tables.push(tables.at(-1)!.tptParent!);
  }
  const aliasOf = (prop: EntityProperty) => `e${tables.findLastIndex((table) => table.properties[prop.name])}`;
  const columns = meta.props.filter(hasColumn).flatMap((prop) =>
    prop.fieldNames.map((name, index) => ({
      sql: `${quote(aliasOf(prop))}.${quote(name)}`,
      type: `${name} ${prop.columnTypes[index]}`,
    })),
  );
  const from = tables.map((table, index) => {
    const name = `${tableName(em, table)} as ${quote(`e${index}`)}`;
    const key = table.getPrimaryProps().flatMap(({ fieldNames }) => fieldNames);
    const on = key.map((part) => `${quote(`e${index}`)}.${quote(part)} = ${quote(`e${index - 1}`)}.${quote(part)}`);
    return index === 0 ? name : `join ${name} on ${on.join(' and ')}`;
  });
  const types = createHash('sha256')
    .update(columns.map(({ type }) => type).join())
    .digest('hex')
    .slice(0, 12);
  const conditions = [
    activePredicateSql(`${quote(`e${tables.length - 1}`)}.${quote(column)}`),
    ...classCondition(em, meta),
    `'types ${types}' <> ''`,
  ];
  return `select ${columns.map(({ sql }) => sql).join(', ')} from ${[...from, READ_ONLY].join(' ')} where ${conditions.join(' and ')}`;
}

/**
 * An embeddable is one column, or none and its properties are. What is inside of one that is a column the ORM takes for not persisted
 * (`initEmbeddables` in `MetadataDiscovery.js`).
 */
function hasColumn(prop: EntityProperty): boolean {
  if (prop.persist === false || !prop.fieldNames || !prop.columnTypes?.length) {
    return false;
  }
  return (
    prop.kind === ReferenceKind.SCALAR ||
    prop.kind === ReferenceKind.MANY_TO_ONE ||
    (prop.kind === ReferenceKind.ONE_TO_ONE && prop.owner) ||
    (prop.kind === ReferenceKind.EMBEDDED && Boolean(prop.object))
  );
}

/** The rows of one class below the root of a single-table hierarchy. */
function classCondition(em: EntityManager, meta: EntityMetadata): string[] {
  const { root } = meta;
  if (root.inheritanceType !== 'sti' || root === meta) {
    return [];
  }
  const column = root.properties[root.discriminatorColumn as string]!.fieldNames[0]!;
  const values = [...em.getMetadata()]
    .filter((other) => other === meta || meta.class.isPrototypeOf(other.class))
    .filter(({ discriminatorValue }) => discriminatorValue !== undefined)
    .map(({ discriminatorValue }) => em.getPlatform().quoteValue(discriminatorValue));
  const name = em.getPlatform().quoteIdentifier(column);
  return [`(${values.map((value) => `"e0".${name} = ${value}`).join(' or ')})`];
}
