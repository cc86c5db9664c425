import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { relationSql } from '../sql/relation-sql.js';
import { arrayText, identify, keyConditionSql, keySql, type RowKey } from '../sql/row-set.js';
import { rowName } from '../archive/removal/collected-rows.js';
import { archiveTable } from '../archive/snapshot/archive-table.js';
import { rowKeyOf } from '../archive/snapshot/row-key-of.js';
import { sameUnitSql } from '../sql/deleted-at-sql.js';
import type { GraphRelation } from '../metadata/relations/graph-relation.js';
import { filterSql } from '../sql/filter-sql.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { takesAlong } from '../metadata/relations/relation-policies.js';

/** How many rows are followed before a page stops counting. */
const LIMIT = 20_000;

/**
 * How many rows of which entity a restoration of each of these rows brings back, the row itself included: what stands below it and was
 * deleted with it, in the archive as well. Reads without locks, one statement per relation and level for all rows together, and one for the archive.
 *
 * @returns one per row; `undefined` where there are too many to count them for a page
 * @internal
 */
export async function countUnits(
  em: EntityManager,
  catalog: SoftDeleteCatalog,
  meta: EntityMetadata,
  rows: readonly { readonly key: RowKey; readonly unit: string }[],
): Promise<(Readonly<Record<string, number>> | undefined)[]> {
  const units = rows.map(() => new Map<EntityMetadata, Set<string>>());
  // A row may be in several units of the page: an order below a customer, and by itself.
  let level = new Map<EntityMetadata, Map<string, { key: RowKey; units: Set<number> }>>();
  const reach = (into: typeof level, root: EntityMetadata, key: RowKey, unit: number): void => {
    const id = identify(key);
    const known = units[unit]!.get(root) ?? new Set();
    if (known.has(id)) {
      return;
    }
    units[unit]!.set(root, known.add(id));
    const keys = into.get(root) ?? new Map<string, { key: RowKey; units: Set<number> }>();
    const reached = keys.get(id) ?? { key, units: new Set<number>() };
    reached.units.add(unit);
    into.set(root, keys.set(id, reached));
  };
  rows.forEach(({ key }, unit) => reach(level, meta.root, key, unit));
  let followed = 0;
  const hasArchived = catalog.allArchived().length > 0;
  while (level.size > 0) {
    const next: typeof level = new Map();
    const members = [...level].flatMap(([root, keys]) =>
      [...keys.values()].flatMap(({ key, units: of }) =>
        [...of].map((unit) => ({ name: rowName(root, key), unit, time: rows[unit]!.unit })),
      ),
    );
    const archived = hasArchived ? await readArchived(em, catalog, members, LIMIT - followed + 1) : [];
    followed += archived.length;
    if (followed > LIMIT) {
      return rows.map(() => undefined);
    }
    archived.forEach(({ root, key, unit }) => reach(next, root, key, unit));
    for (const [root, keys] of level) {
      for (const edge of catalog.graph.from(root)) {
        if (!takesAlong(edge) || !catalog.find(edge.child) || catalog.findArchived(root)) {
          continue;
        }
        const parents = [...keys.values()].map(({ key }) => key);
        const behind = await readBehind(em, catalog, edge, parents, LIMIT - followed + 1);
        followed += behind.length;
        if (followed > LIMIT) {
          return rows.map(() => undefined);
        }
        for (const { key, parent } of behind) {
          for (const unit of keys.get(identify(parent))!.units) {
            reach(next, edge.child.root, key, unit);
          }
        }
      }
    }
    level = next;
  }
  return units.map((unit) =>
    Object.fromEntries([...unit].map(([root, keys]) => [catalog.getMarked(root).name, keys.size] as const)),
  );
}

interface Member {
  /** As the archive names it. */
  readonly name: string;
  /** The row of the page that it is counted for, and when that was deleted. */
  readonly unit: number;
  readonly time: string;
}

/** What rows took along into the archive, and soft-deleted rows that these took along. */
async function readArchived(
  em: EntityManager,
  catalog: SoftDeleteCatalog,
  members: readonly Member[],
  limit: number,
): Promise<{ root: EntityMetadata; key: RowKey; unit: number }[]> {
  const archived = arrayText(catalog.allArchived().map(({ name }) => name));
  const found = await em.execute<{ i: number; entity: string; key: string }[]>(
    `with "soft-delete:members" as materialized (
       select * from unnest(cast(? as text[]), cast(? as timestamptz[])) with ordinality as m("name", "unit", "i")
     ) select m."i"::int, a."part" as entity, a."key" from "soft-delete:members" as m join ${archiveTable(em)} as a
       on a."entity" = any(cast(? as text[])) and a."unit" = m."unit" and m."name" = any(a."owners")
     union all select m."i"::int, l."link" ->> 'entity', l."link" ->> 'id' from "soft-delete:members" as m join ${archiveTable(em)} as a
       on a."entity" = any(cast(? as text[])) and a."unit" = m."unit" and m."name" = a."part" || ':' || a."key"
       cross join jsonb_array_elements(a."links") as l("link") where l."link" -> 'columns' is null
     limit ${limit}`,
    [arrayText(members.map(({ name }) => name)), arrayText(members.map(({ time }) => time)), archived, archived],
  );
  return found.flatMap(({ i, entity, key }) => {
    const root = [...catalog.getMetadata()].find(({ className }) => className === entity);
    return root && root.root === root && !root.pivotTable
      ? [{ root, key: rowKeyOf(root, key), unit: members[i - 1]!.unit }]
      : [];
  });
}

/** The rows behind a relation that were deleted with those in front. */
async function readBehind(
  em: EntityManager,
  catalog: SoftDeleteCatalog,
  edge: GraphRelation,
  parents: readonly RowKey[],
  limit: number,
): Promise<{ key: RowKey; parent: RowKey }[]> {
  const relation = relationSql(em, edge);
  const condition = keyConditionSql(em, edge.parent, 'p', parents);
  const sameUnit = filterSql(sameUnitSql(em, catalog.get(edge.child), catalog.get(edge.parent)));
  return em.execute<{ key: string[]; parent: string[] }[]>(
    `select ${keySql(em, edge.child, 'c')}, ${keySql(em, edge.parent, 'p', 'parent')} ` +
      `from ${[`${relation.child} as c`, `${relation.parent} as p`, ...relation.between].join(', ')} ` +
      `where ${[condition.sql, ...relation.conditions, sameUnit].join(' and ')} limit ${limit}`,
    [...condition.params, ...relation.params],
  );
}
