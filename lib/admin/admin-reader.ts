import { Reference, serialize } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { type ExecutionContext, Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import { keyAsCondition } from '../sql/entity-key.js';
import { selectRows } from '../sql/select-rows.js';
import { tableName } from '../sql/table-name.js';
import { AdminAccess } from './admin-access.js';
import { AdminCompliance } from './admin-compliance.js';
import type { AdminEntity } from './admin-entity.js';
import { keyText } from '../metadata/key-text.js';
import { plainValue } from '../metadata/plain-value.js';
import { isSortable } from '../metadata/shown-properties.js';
import { AdminOrm } from './admin-orm.js';
import type { EntityView, RowDetails, RowsPage, RowView } from './api/admin-responses.js';
import type { PurgeEntityStatus } from '../purge/status/purge-status.js';
import { AdminWriter } from './admin-writer.js';
import { countUnits } from './count-units.js';
import { entityKey } from './api/entity-key.js';
import { type ListQuery, writeCursor } from './api/list-query.js';
import { readDeletions } from './read-deletions.js';
import { deletedWhere, listRows, type ListedRow, whereParams } from './list-rows.js';

const ENTITY_ACTIONS = ['list', 'view', 'restore', 'remove'] as const;
const WITH_HOLDS = [...ENTITY_ACTIONS, 'hold'] as const;

/** What the admin page shows. @internal */
@Injectable()
export class AdminReader {
  constructor(
    @Inject(AdminOrm) private readonly orm: AdminOrm,
    @Inject(AdminAccess) private readonly access: AdminAccess,
    @Inject(AdminWriter) private readonly writer: AdminWriter,
    @Inject(AdminCompliance) private readonly compliance: AdminCompliance,
  ) {}

  /** The entities that the caller may see. */
  async entities(context: ExecutionContext): Promise<EntityView[]> {
    const mayPurge = await this.access.can('purge', undefined, context);
    const status = mayPurge ? await this.orm.purge.status() : undefined;
    const em = this.orm.fork();
    const actions = this.orm.holds(em) ? WITH_HOLDS : ENTITY_ACTIONS;
    const reason = this.orm.requiresReason ? 'required' : this.orm.records(em) ? 'optional' : null;
    const views: EntityView[] = [];
    for (const entity of this.orm.entities) {
      const can = await this.access.allowed(actions, entity, context);
      if (!can.includes('list')) {
        continue;
      }
      const retention = await this.orm.retention(entity);
      views.push({
        entity: entity.name,
        ...(await this.#count(em, entity, retention)),
        blocked: status?.entities.find((counted) => isOf(em, entity, counted))?.blocked ?? null,
        retention,
        can: mayPurge ? [...can, 'purge'] : can,
        reason,
        records: this.orm.records(em) !== undefined,
        actors: this.orm.knowsActors(em, entity),
        columns: entity.columns,
        sortable: entity.columns.filter((name) => isSortable(entity.meta.properties[name as never])),
        searchable: entity.search.length > 0,
      });
    }
    return views;
  }

  /** Whether anything says who deleted rows of an entity. */
  knowsActors(entity: AdminEntity): boolean {
    return this.orm.knowsActors(this.orm.fork(), entity);
  }

  async rows(entity: AdminEntity, query: ListQuery): Promise<RowsPage> {
    const em = this.orm.fork();
    const { rows, hasMore } = await listRows(em, entity, query, { records: this.orm.records(em) });
    const views = await this.#describe(em, entity, rows);
    const last = rows.at(-1);
    return { rows: views.map(({ view }) => view), next: hasMore && last ? writeCursor(query, last.cursor) : null };
  }

  /** @throws NotFoundException if there is no such deleted row that the caller may see */
  async row(entity: AdminEntity, key: unknown): Promise<RowDetails> {
    const em = this.orm.fork();
    const one: ListQuery = {
      q: undefined,
      from: undefined,
      to: undefined,
      actor: undefined,
      sort: entity.entry.property,
      descending: true,
      after: undefined,
      limit: 1,
    };
    const { rows } = await listRows(em, entity, one, { only: keyAsCondition(entity.meta, key) as AnyCondition });
    const [described] = await this.#describe(em, entity, rows);
    if (!described) {
      throw new NotFoundException(`There is no deleted ${entity.name} ${keyText(entity.meta, key)}.`);
    }
    const { view, fields, unit } = described;
    const { restrictions } = await this.writer.previewRemoval(entity, [key]);
    return {
      ...view,
      fields,
      unit: unit ?? null,
      blockedBy: restrictions.map((restriction) => ({
        table: this.#tableOf(restriction.entity),
        constraint: restriction.relation,
        rows: restriction.count,
      })),
      holds: await this.compliance.holdsOf(em, entity, key),
      records: await this.compliance.recordsOf(em, entity, key),
    };
  }

  #tableOf(name: string): string {
    const meta = [...this.orm.catalog.getMetadata()].find(({ className }) => className === name);
    return meta?.tableName ?? name;
  }

  async #count(
    em: EntityManager,
    { meta, entry }: AdminEntity,
    retention: number | 'forever',
  ): Promise<{ deleted: number; due: number }> {
    const column = `c.${em.getPlatform().quoteIdentifier(entry.column)}`;
    const selected = await selectRows(em, meta, {}, { scope: 'only' });
    const due = retention === 'forever' ? 'false' : `${column} < now() - make_interval(secs => ?)`;
    const [row] = await em.execute<{ deleted: string; due: string }[]>(
      `select count(*) as deleted, count(*) filter (where ${due}) as due ` +
        `from ${tableName(em, meta.root)} as c where ${deletedWhere(em, meta.root, selected)}`,
      [...(retention === 'forever' ? [] : [retention / 1000]), ...whereParams(selected)],
    );
    return { deleted: Number(row!.deleted), due: Number(row!.due) };
  }

  /** Rows that were restored or removed since they were listed are left out. */
  async #describe(em: EntityManager, entity: AdminEntity, rows: readonly ListedRow[]) {
    if (rows.length === 0) {
      return [];
    }
    const { meta, fields } = entity;
    const conditions = rows.map(({ key }) => keyAsCondition(meta, key));
    const loaded = await this.orm
      .repository(em, entity)
      .onlyDeleted()
      .find({ $or: conditions } as never, { populate: false, cache: false } as never);
    const byKey = new Map(loaded.map((row: object) => [keyText(meta, entityKey(meta, row)), row]));
    const units = await countUnits(
      em,
      this.orm.catalog,
      meta,
      rows.map(({ row, deletedAt }) => ({ key: row, unit: deletedAt })),
    );
    const retention = await this.orm.retention(entity);
    const records = this.orm.records(em);
    const times = rows.map(({ deletedAt }) => deletedAt);
    const deletions = records && (await readDeletions(em, records, entity, times));
    const held = await this.compliance.held(em);
    return rows.flatMap((listed, i) => {
      const key = keyText(meta, listed.key);
      const row = byKey.get(key);
      if (!row) {
        return [];
      }
      const serialized = serialize(row) as Record<string, unknown>;
      const shown = (names: readonly string[]) =>
        Object.fromEntries(
          names.map((name) => [
            name,
            plainValue(serialized[meta.properties[name as never]?.serializedName ?? name] ?? null),
          ]),
        );
      const unit = units[i];
      const deletion = deletions?.get(listed.deletedAt);
      const label = labelOf(entity, Reference.unwrapReference(row as never));
      const view: RowView = {
        key,
        label: label === undefined || label === null || label === '' ? `${entity.name} ${key}` : String(label),
        columns: shown(entity.columns),
        deletedAt: listed.deletedAt,
        actor: actorOf(entity, serialized) ?? deletion?.actor ?? null,
        reason: deletion?.reason ?? null,
        purgeAt: purgeTime(listed.deletedAt, retention),
        unitSize: unit ? Object.values(unit).reduce((sum, count) => sum + count, 0) : null,
        held: held.has(meta, listed.row),
      };
      return [{ view, fields: shown(fields), unit }];
    });
  }
}

/** One row that has no name must not keep people from all others. */
function labelOf({ label }: AdminEntity, row: object): unknown {
  try {
    return label?.(row);
  } catch {
    return undefined;
  }
}

function actorOf({ meta, shownActor }: AdminEntity, serialized: Record<string, unknown>): string | undefined {
  const name = shownActor?.property;
  const value = name && serialized[meta.properties[name as never]?.serializedName ?? name];
  return typeof value === 'string' ? value : undefined;
}

function purgeTime(deletedAt: string, retention: number | 'forever'): string | null {
  const time = retention === 'forever' ? Number.NaN : Date.parse(deletedAt) + retention;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Whether the purge has counted an entity where the entity manager finds it: those of tenants are counted for each of them. */
function isOf(em: EntityManager, { name, meta }: AdminEntity, { entity, table }: PurgeEntityStatus): boolean {
  const own = em.schema === 'public' ? meta.tableName : `${em.schema}.${meta.tableName}`;
  return entity === name && (meta.schema !== '*' || table === own);
}
