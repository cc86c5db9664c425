import { type ExecutionContext, Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyCondition } from '../options/any-of-the-orm.js';
import type { LegalHold } from '../compliance/hold/read-holds.js';
import type { DeletionLogEntry } from '../compliance/record/deletion-log.js';
import { keyText } from '../metadata/key-text.js';
import { keyAsCondition } from '../sql/entity-key.js';
import { readActiveHolds, readHeldRows } from '../sql/held-rows.js';
import type { RowSet } from '../sql/row-set.js';
import { AdminAccess } from './admin-access.js';
import type { AdminEntity } from './admin-entity.js';
import { AdminOrm } from './admin-orm.js';
import type { HoldView, RecordView } from './api/admin-responses.js';
import type { HoldBody } from './api/read-body.js';
import type { RecordQuery } from './api/record-query.js';

/** Records and holds, where the ORM has their tables. @internal */
@Injectable()
export class AdminCompliance {
  constructor(
    @Inject(AdminOrm) private readonly orm: AdminOrm,
    @Inject(AdminAccess) private readonly access: AdminAccess,
  ) {}

  /**
   * Places a hold on rows that the caller may see, active or deleted.
   *
   * @throws NotFoundException if one of them is not there for the caller, or there are no tables
   */
  async hold(entity: AdminEntity, { keys, name, reason }: HoldBody, context: ExecutionContext): Promise<HoldView> {
    const { holds } = this.#kept();
    await this.#requireVisible(entity, keys);
    const hold = await holds.place({
      name,
      reason,
      on: keys.map((key) => [entity.entity, key] as const),
      ...this.access.actor(context),
    });
    return describeHold(hold);
  }

  /**
   * Releases a hold on rows all of which the caller may see and hold.
   *
   * @throws NotFoundException if there is no such active hold, as far as the caller can tell
   * @throws ForbiddenException if the caller may see its rows and no more
   */
  async release(id: string, reason: string, context: ExecutionContext): Promise<HoldView> {
    const { holds } = this.#kept();
    const hold = (await holds.list()).find((one) => String(one.id) === id && one.releasedAt === undefined);
    if (!hold) {
      throw new NotFoundException(`There is no active hold ${id} here.`);
    }
    for (const [name, rows] of Map.groupBy(hold.on, ({ entity }) => entity)) {
      const entity = await this.access.entity(name, 'hold', context);
      await this.#requireVisible(
        entity,
        rows.map(({ key }) => key),
      );
    }
    return describeHold(await holds.release(hold.id, { reason, ...this.access.actor(context) }));
  }

  /** Records of the entities that the caller may see, the newest first. Whose rows they are about, no filter asks. */
  async records(query: RecordQuery, context: ExecutionContext): Promise<RecordView[]> {
    const { log } = this.#kept();
    const { entity, key, ...rest } = query;
    if (entity && key !== undefined) {
      return this.#describe((await log.of(entity.entity, key as never)).slice(0, rest.limit));
    }
    const seen = entity ? [entity] : await this.access.listed(context);
    const found = await Promise.all(seen.map(({ entity: one }) => log.find({ ...rest, entity: one })));
    return this.#describe(
      found
        .flat()
        .sort((a, b) => b.at.getTime() - a.at.getTime())
        .slice(0, rest.limit),
    );
  }

  /** What was done to a row, the newest first; nothing where that is not recorded. */
  async recordsOf(em: EntityManager, entity: AdminEntity, key: unknown): Promise<RecordView[]> {
    const entries = this.orm.records(em) ? await this.orm.compliance!.log.of(entity.entity, key as never) : [];
    // The other rows of an operation are not the row's.
    return this.#describe(entries).map(({ keys: _keys, ...record }) => record);
  }

  /** The active holds that cover a row. */
  async holdsOf(em: EntityManager, entity: AdminEntity, key: unknown): Promise<HoldView[]> {
    return this.orm.holds(em)
      ? (await this.orm.compliance!.holds.of(entity.entity, key)).map((hold) => describeHold(hold))
      : [];
  }

  /** What active holds cover, in one question while there are none. */
  async held(em: EntityManager): Promise<Pick<RowSet, 'has'>> {
    const tables = this.orm.holds(em);
    const active = tables ? await readActiveHolds(em, em.getTransactionContext(), tables) : [];
    return active.length > 0 ? readHeldRows(em, em.getTransactionContext(), tables!, active) : { has: () => false };
  }

  #kept() {
    const { compliance } = this.orm;
    if (!compliance) {
      throw new NotFoundException('Nothing is recorded here: the ORM has no complianceEntities().');
    }
    return compliance;
  }

  async #requireVisible(entity: AdminEntity, keys: readonly unknown[]): Promise<void> {
    const { meta } = entity;
    const wanted = [...new Map(keys.map((key) => [keyText(meta, key), key])).values()];
    const view = this.orm.repository(this.orm.fork(), entity).withDeleted();
    const isWanted = { $or: wanted.map((key) => keyAsCondition(meta, key)) } as AnyCondition;
    const found = await view.count(isWanted, { cache: false });
    if (found !== wanted.length) {
      throw new NotFoundException(
        wanted.length === 1
          ? `There is no ${entity.name} ${keyText(meta, wanted[0])}.`
          : `${wanted.length - found} of these rows of ${entity.name} are not there.`,
      );
    }
  }

  #describe(entries: readonly DeletionLogEntry[]): RecordView[] {
    return entries.map(({ at, action, entity, count, keys, actor, reason }) => {
      const meta = this.orm.entities.find(({ name }) => name === entity)?.meta;
      return {
        at: at.toISOString(),
        action,
        entity,
        count,
        ...(keys && meta ? { keys: keys.map((key) => keyText(meta, key)) } : {}),
        actor: actor ?? null,
        reason: reason ?? null,
      };
    });
  }
}

function describeHold({ id, name, reason, placedAt, placedBy, releasedAt }: LegalHold): HoldView {
  return {
    id,
    name,
    reason,
    placedAt: placedAt.toISOString(),
    placedBy: placedBy ?? null,
    releasedAt: releasedAt?.toISOString() ?? null,
  };
}
