import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { hasTable } from '../metadata/has-table.js';
import { execute } from '../sql/transaction.js';
import type { SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import { tableName } from '../sql/table-name.js';

/** A key by which the database removes rows along with the row that they reference. Names are quoted. @internal */
export interface CascadingKey {
  readonly name: string;
  readonly from: string;
  readonly columns: readonly string[];
  readonly to: string;
  readonly referenced: readonly string[];
  /** The marked entity whose rows hold the key, if they do. */
  readonly endangers: EntityMetadata | undefined;
}

interface KeyRow extends Omit<CascadingKey, 'endangers'> {
  readonly bare: string[];
}

/**
 * The `on delete cascade` keys of the database through which the removal of a row that is not marked reaches rows of marked entities, at
 * any distance, mapped by the ORM or not.
 *
 * @internal
 */
export class CascadeCatalog {
  readonly #reaching: readonly CascadingKey[];
  readonly #names: ReadonlyMap<EntityMetadata, string>;

  constructor(keys: readonly CascadingKey[], names: ReadonlyMap<EntityMetadata, string>) {
    const reaching = new Set(keys.filter(({ endangers }) => endangers));
    for (const key of reaching) {
      // What leads to the table in front of it leads to the rows behind it as well.
      keys.filter(({ from, endangers }) => from === key.to && !endangers).forEach((before) => reaching.add(before));
    }
    this.#reaching = [...reaching];
    this.#names = names;
  }

  /** The keys that the removal of rows of an entity may pass. */
  from(meta: EntityMetadata): readonly CascadingKey[] {
    const reached = new Set([this.#names.get(meta.root)]);
    const passed = new Set<CascadingKey>();
    for (const table of reached) {
      for (const key of this.#reaching.filter(({ to }) => to === table)) {
        passed.add(key);
        if (!key.endangers) {
          reached.add(key.from);
        }
      }
    }
    return [...passed];
  }
}

const catalogs = new WeakMap<SoftDeleteCatalog, Map<string, Promise<CascadeCatalog>>>();

/**
 * Reads it once for each ORM (and schema, where tables live in that of the entity manager). Keys that are added while the
 * process runs are not seen.
 *
 * @internal
 */
export async function readCascadeCatalog(
  em: EntityManager,
  ctx: Transaction | undefined,
  catalog: SoftDeleteCatalog,
): Promise<CascadeCatalog> {
  const bySchema = catalogs.get(catalog) ?? new Map<string, Promise<CascadeCatalog>>();
  catalogs.set(catalog, bySchema);
  const schema = em.schema ?? '';
  let found = bySchema.get(schema);
  if (!found) {
    found = read(em, ctx, catalog);
    bySchema.set(schema, found);
    found.catch(() => bySchema.delete(schema));
  }
  return found;
}

async function read(
  em: EntityManager,
  ctx: Transaction | undefined,
  catalog: SoftDeleteCatalog,
): Promise<CascadeCatalog> {
  const metas = [...em.getMetadata()].filter(hasTable);
  const tables = metas.map((meta) => tableName(em, meta));
  const quoted = (table: string) =>
    `(select format('%I.%I', n.nspname, r.relname) from pg_class as r join pg_namespace as n on n.oid = r.relnamespace where r.oid = ${table})`;
  const columns = (table: string, numbers: string) =>
    `array(select quote_ident(a.attname) from unnest(${numbers}) with ordinality as u(number, n)
      join pg_attribute as a on a.attrelid = ${table} and a.attnum = u.number order by u.n)`;
  const keys = await execute<KeyRow>(
    em,
    ctx as Transaction,
    `select k.conname as name, ${quoted('k.conrelid')} as "from", ${columns('k.conrelid', 'k.conkey')} as columns,
      ${quoted('k.confrelid')} as "to", ${columns('k.confrelid', 'k.confkey')} as referenced,
      array(select a.attname::text from pg_attribute as a where a.attrelid = k.conrelid and a.attnum = any(k.conkey)) as bare
    from pg_constraint as k where k.contype = 'f' and k.confdeltype = 'c' and k.conparentid = 0 order by k.conname`,
  );
  const named = await execute<{ i: number; name: string }>(
    em,
    ctx as Transaction,
    `select t.i::int as i, ${quoted('to_regclass(t.name)')} as name
    from unnest(cast(? as text[])) with ordinality as t(name, i)`,
    [`{${tables.map((table) => JSON.stringify(table)).join(',')}}`],
  );
  const names = new Map(named.map(({ i, name }) => [metas[i - 1]!, name]));
  const soft = new Map([...names].flatMap(([meta, name]) => (catalog.findMarked(meta) ? [[name, meta] as const] : [])));
  const described = keys.map(({ bare, ...key }) => {
    const relation = catalog.graph.edges.find(
      ({ link, parent }) =>
        link.kind === 'child-key' &&
        names.get(link.table) === key.from &&
        names.get(parent.root) === key.to &&
        link.columns.length === bare.length &&
        link.columns.every((column) => bare.includes(column)),
    );
    return { ...key, name: relation?.name ?? key.name, endangers: soft.get(key.from) };
  });
  return new CascadeCatalog(described, names);
}
