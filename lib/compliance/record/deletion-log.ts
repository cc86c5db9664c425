import type { EntityName, EntityMetadata, Primary } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyEntityName, AnyOrm } from '../../options/any-of-the-orm.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { findMetadata, SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';
import { requireType } from '../../options/require-type.js';
import { rowCount } from '../../options/resolve-module-options.js';
import { unitTextSql } from '../../sql/deleted-at-sql.js';
import { execute } from '../../sql/transaction.js';
import { currentManager } from '../current-manager.js';
import { complianceTable } from '../compliance-table.js';
import { primaryColumnTypes } from '../../sql/row-set.js';
import { findRow } from './find-row.js';
import { hasOneText, sameKeySql } from './same-key-sql.js';
import { DeletionRecord } from './deletion-record.entity.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';

/**
 * What an operation did to the rows of an entity.
 *
 * @publicApi
 */
export type DeletionAction =
  | 'deleted'
  | 'restored'
  | 'hard-deleted'
  | 'purged'
  | 'archived'
  | 'erased'
  | 'held'
  | 'released';

/**
 * What one operation did to the rows of one entity, who did it and why.
 *
 * @publicApi
 */
export interface DeletionLogEntry {
  /** When, by the database's clock. */
  readonly at: Date;
  readonly action: DeletionAction;
  /** The entity's name. */
  readonly entity: string;
  /** How many rows. */
  readonly count: number;
  /** The time of deletion that the rows carry or carried, as text with microseconds; for a purge, its cut-off. */
  readonly unit?: string;
  /** The primary keys, only of rows that were restored or removed for good: a value, or an array in the order of declaration. */
  readonly keys?: readonly unknown[];
  readonly actor?: string;
  readonly reason?: string;
}

/**
 * Conditions on records; a record has to meet all of them.
 *
 * @publicApi
 */
export interface DeletionLogQuery {
  readonly entity?: AnyEntityName;
  readonly actor?: string;
  readonly action?: DeletionAction;
  /** Records of this time and later. */
  readonly from?: Date;
  /** Records before this time. */
  readonly to?: Date;
  /** @default 100 */
  readonly limit?: number;
}

/** @internal */
export const DELETION_ACTIONS: readonly DeletionAction[] = [
  'deleted',
  'restored',
  'hard-deleted',
  'purged',
  'archived',
  'erased',
  'held',
  'released',
];

interface RecordRow {
  readonly at: string;
  readonly action: DeletionAction;
  readonly entity: string;
  readonly count: string;
  readonly unit: string | null;
  readonly keys: readonly (readonly string[])[] | null;
  readonly actor: string | null;
  readonly reason: string | null;
}

/**
 * Reads the records of what was deleted, restored and removed for good, for ORMs whose entities include `complianceEntities()`. Within a
 * transaction it also shows what that has recorded.
 *
 * @publicApi
 */
export class DeletionLog {
  constructor(private readonly orm: AnyOrm) {}

  /**
   * Returns everything that was done to one row, newest first: its deletions, restorations and removal. The row need not exist any more.
   *
   * @param key - the primary key: a value, an array for a composite one, or the entity
   * @throws SoftDeleteConfigError if `complianceEntities()` are not registered, or the key is invalid
   */
  async of<Entity extends object>(
    entity: EntityName<Entity>,
    key: Primary<Entity> | Entity,
  ): Promise<DeletionLogEntry[]> {
    const em = this.#em;
    const meta = requireEntity(em, 'DeletionLog.of()', entity);
    const records = complianceTable(em, DeletionRecord);
    const row = await findRow(em, meta, key, 'DeletionLog.of()');
    const own = JSON.parse(row.key) as string[];
    const types = primaryColumnTypes(meta);
    const texts = own.filter((_text, i) => hasOneText(types[i]!.type)).map((text) => JSON.stringify(text));
    const same = sameKeySql(meta, 'r."entity"', 'cast(k.key as jsonb)', own);
    return this.#read(
      em,
      // Of type `jsonb` where an earlier migration has made the table. Only documents that have the texts of the key in them are taken apart.
      `with "soft-delete:own" as (
         select r."at", r."id", case when r."unit_times" is not null then r."unit_times"[k.n]
           when r."units" is null then r."unit" else cast(r."units" ->> (k.n - 1)::int as timestamptz) end as unit
         from ${records} as r cross join lateral json_array_elements(cast(r."keys" as json)) with ordinality as k (key, n)
         where ${texts.map(() => `strpos(r."keys"::text, ?) > 0 and `).join('')}${same.sql})
       select $columns from ${records} as r
       where r."entity" = ? and ((r."at", r."id") in (select "at", "id" from "soft-delete:own")
         or (r."keys" is null and r."unit" in (select unit from "soft-delete:own" union all select cast(? as timestamptz)))
         or (r."keys" is null and jsonb_typeof(r."units") = 'object' and exists (select from "soft-delete:own" as o
           where o.unit >= cast(r."units" ->> 'from' as timestamptz) and o.unit < cast(r."units" ->> 'until' as timestamptz))))`,
      [...texts, ...same.params, meta.className, row.unit],
    );
  }

  /**
   * Returns the records that match, newest first.
   *
   * @throws SoftDeleteConfigError if an option is unknown or cannot work, or `complianceEntities()` are not registered
   */
  async find(query: DeletionLogQuery = {}): Promise<DeletionLogEntry[]> {
    const em = this.#em;
    const { entity, actor, action, from, to, limit } = requireQuery(query);
    const meta = entity === undefined ? undefined : requireEntity(em, 'DeletionLog.find(), entity', entity);
    const records = complianceTable(em, DeletionRecord);
    const conditions: [string, unknown][] = [
      ...(meta ? [['r."entity" = ?', meta.className] as [string, unknown]] : []),
      ...(actor === undefined ? [] : [['r."actor" = ?', actor] as [string, unknown]]),
      ...(action === undefined ? [] : [['r."action" = ?', action] as [string, unknown]]),
      ...(from === undefined ? [] : [['r."at" >= cast(? as timestamptz)', from.toISOString()] as [string, unknown]]),
      ...(to === undefined ? [] : [['r."at" < cast(? as timestamptz)', to.toISOString()] as [string, unknown]]),
    ];
    return this.#read(
      em,
      `select $columns from ${records} as r where ${['true', ...conditions.map(([sql]) => sql)].join(' and ')}`,
      conditions.map(([, value]) => value),
      limit,
    );
  }

  async #read(em: EntityManager, sql: string, params: readonly unknown[], limit?: number): Promise<DeletionLogEntry[]> {
    const columns =
      `${unitTextSql('r."at"', 'timestamptz')} as at, r."action" as action, r."entity" as entity, r."count"::text as count, ` +
      `${unitTextSql('r."unit"', 'timestamptz')} as unit, r."keys" as keys, r."actor" as actor, r."reason" as reason`;
    const rows = await execute<RecordRow>(
      em,
      em.getTransactionContext()!,
      `${sql.replace('$columns', columns)} order by r."at" desc, r."id" desc${limit === undefined ? '' : ` limit ${limit}`}`,
      params,
    );
    return rows.map((row) => describe(em, row));
  }

  get #em(): EntityManager {
    return currentManager(this.orm);
  }
}

function describe(
  em: EntityManager,
  { at, action, entity, count, unit, keys, actor, reason }: RecordRow,
): DeletionLogEntry {
  const meta = [...em.getMetadata()].find(({ className }) => className === entity);
  return {
    at: new Date(`${at.slice(0, 10)}T${at.slice(11, 23)}Z`),
    action,
    entity,
    count: Number(count),
    ...(unit === null ? {} : { unit }),
    ...(keys === null ? {} : { keys: keys.map((key) => keyFromTexts(em, meta, key)) }),
    ...(actor === null ? {} : { actor }),
    ...(reason === null ? {} : { reason }),
  };
}

function requireQuery(query: DeletionLogQuery): DeletionLogQuery & { limit: number } {
  refuseUnknownOptions('DeletionLog.find()', query, ['entity', 'actor', 'action', 'from', 'to', 'limit']);
  requireType('DeletionLog.find(), actor', query.actor, 'string');
  requireType('DeletionLog.find(), from', query.from, 'Date');
  requireType('DeletionLog.find(), to', query.to, 'Date');
  if (query.action !== undefined && !DELETION_ACTIONS.includes(query.action)) {
    throw new SoftDeleteConfigError(
      'DeletionLog.find(), action',
      `"${String(query.action)}" is not an action.`,
      `Write one of ${DELETION_ACTIONS.map((action) => `'${action}'`).join(', ')}.`,
    );
  }
  return { ...query, limit: rowCount('DeletionLog.find(), limit', query.limit) ?? 100 };
}

function requireEntity(em: EntityManager, where: string, entity: AnyEntityName): EntityMetadata {
  const meta = findMetadata(em, entity);
  if (!meta) {
    throw new SoftDeleteConfigError(
      where,
      `${(entity as { name?: string } | undefined)?.name ?? String(entity)} is not an entity of this ORM.`,
      'Pass the class of an entity that is registered in the MikroORM configuration.',
    );
  }
  return SoftDeleteCatalog.of(em).find(meta)?.meta ?? meta.root;
}
