import { Cursor, type EntityMetadata, type EntityName, Reference, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import type { EntityManagerClass } from '../installation/orm-parts.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { unitTextSql } from '../sql/deleted-at-sql.js';
import { sentKey } from '../sql/entity-key.js';
import { arrayText, keyRowsSql, primaryColumnTypes } from '../sql/row-set.js';
import { tableName } from '../sql/table-name.js';
import { execute } from '../sql/transaction.js';
import { holdsDate } from '../sql/unit-value.js';

type Directions = Readonly<Record<string, unknown>>;
/** Gives the value that a cursor has for a time of deletion. */
type MapTime = (entry: SoftDeletableEntityMetadata, owner: object, value: unknown) => unknown;
type Times = ReadonlyMap<object, string>;

/**
 * A class of entity managers whose cursors hold times of deletion to the microsecond. An entity has them to the millisecond, so that a
 * page that begins after one would leave out the other rows of its unit, or begin with that row again.
 *
 * @internal
 */
export function pagingEntityManager(Base: EntityManagerClass, catalog: SoftDeleteCatalog): EntityManagerClass {
  class PagingEntityManager extends Base {
    override async findByCursor(...args: any[]): Promise<never> {
      const [entityName, options] = args as [EntityName<object>, { orderBy: never }];
      const cursor = await (super.findByCursor as (...all: any[]) => Promise<Cursor<object>>)(...args);
      const meta = this.getMetadata().get(entityName);
      const definition = Cursor.getDefinition<object>(meta, options.orderBy);
      const map = (owner: object, offsets: readonly unknown[], mapTime: MapTime) =>
        definition.map(([key, direction], i) => mapOffset(catalog, meta, owner, key, direction, offsets[i], mapTime));
      const owners = new Map<SoftDeletableEntityMetadata, Set<object>>();
      for (const item of cursor.items) {
        map(item, [], (entry, owner) => owners.set(entry, (owners.get(entry) ?? new Set()).add(owner)));
      }
      if (owners.size === 0) {
        return cursor as never;
      }
      const current = this.getContext(false) as EntityManager;
      const times = new Map<object, string>();
      for (const [entry, entities] of owners) {
        (await readTimes(current, entry, [...entities])).forEach((time, entity) => times.set(entity, time));
      }
      const from = cursor.from.bind(cursor);
      // Both ends of a page are made by it as well.
      cursor.from = (entity) =>
        Cursor.encode(map(entity, Cursor.decode(from(entity)), (_entry, owner, value) => exact(times, owner, value)));
      return cursor as never;
    }
  }
  return Object.defineProperty(PagingEntityManager, 'name', { value: Base.name });
}

/** Walks one value of a cursor as the ORM does (`Cursor.serialize` in `Cursor.js`). */
function mapOffset(
  catalog: SoftDeleteCatalog,
  meta: EntityMetadata,
  owner: object,
  key: string,
  direction: unknown,
  offset: unknown,
  mapTime: MapTime,
): unknown {
  if (!Utils.isPlainObject<Directions>(direction)) {
    const entry = catalog.find(meta);
    return entry?.property === key && holdsDate(entry) ? mapTime(entry, owner, offset) : offset;
  }
  const target =
    meta.properties[key as never] && (meta.properties[key as never] as { targetMeta?: EntityMetadata }).targetMeta;
  const child: unknown = Reference.unwrapReference((owner as Record<string, object>)[key]!);
  if (!target || !Utils.isEntity(child)) {
    return offset;
  }
  const values = Object.keys(direction).map((name) => [
    name,
    mapOffset(catalog, target, child, name, direction[name], (offset as Directions | undefined)?.[name], mapTime),
  ]);
  return Object.fromEntries(values);
}

/** What has changed since the page was read stays as the page has it. */
function exact(times: Times, owner: object, value: unknown): unknown {
  const text = times.get(owner);
  const isSame = typeof value === 'string' && text?.slice(0, 23).replace(' ', 'T') === value.slice(0, 23);
  return isSame ? text : value;
}

async function readTimes(
  em: EntityManager,
  { meta, column, columnType }: SoftDeletableEntityMetadata,
  entities: readonly object[],
): Promise<Times> {
  const names = primaryColumnTypes(meta).map((key) => em.getPlatform().quoteIdentifier(key.column));
  const keys = entities.map((entity) => sentKey(em, meta, entity));
  const table = tableName(em, meta);
  const time = `c.${em.getPlatform().quoteIdentifier(column)}`;
  const rows = await execute<{ n: string; time: string | null }>(
    em,
    em.getTransactionContext<Transaction>() as Transaction,
    `select "soft-delete:n" as n, ${unitTextSql(time, columnType)} as time from ${keyRowsSql(table, names, keys.length)} ` +
      `join ${table} as c on ${names.map((name, i) => `c.${name} = "soft-delete:${i}"`).join(' and ')}`,
    names.map((_name, i) => arrayText(keys.map((key) => key[i]!))),
  );
  const found = rows.filter((row): row is { n: string; time: string } => row.time !== null);
  return new Map(found.map(({ n, time: text }) => [entities[Number(n) - 1]!, text]));
}
