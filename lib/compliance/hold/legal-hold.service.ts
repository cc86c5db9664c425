import type { EntityName } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { AnyEntityName, AnyOrm } from '../../options/any-of-the-orm.js';
import { showValue } from '../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { MOST_KEYS } from '../../events/most-keys.js';
import type { OperationPart } from '../../events/operation.js';
import { contextOf } from '../../installation/context-of.js';
import type { HoldTables } from '../../installation/hold-tables.js';
import { getInstallation } from '../../installation/installation.js';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';
import { requireType } from '../../options/require-type.js';
import { ASK_FOR_HOLDS_SQL } from '../../sql/guard-setting.js';
import { LOCK_FOR_PLACING_SQL, readActiveHolds, readHeldRows } from '../../sql/held-rows.js';
import { keyFromTexts } from '../../sql/key-from-texts.js';
import { tableName } from '../../sql/table-name.js';
import { execute, inTransaction } from '../../sql/transaction.js';
import { currentManager } from '../current-manager.js';
import { findRow } from '../record/find-row.js';
import { complianceTable } from '../compliance-table.js';
import { archivedHeldRows } from './archived-held-rows.js';
import { type HeldRow, type LegalHold, readHolds } from './read-holds.js';
import { LegalHoldRecord } from './legal-hold.entity.js';

/**
 * What a hold is placed on, and why.
 *
 * @publicApi
 */
export interface LegalHoldOptions {
  readonly name: string;
  readonly reason: string;
  /** Rows of soft-deletable entities, as `[Customer, 7]`: active ones and deleted ones. */
  readonly on: readonly (readonly [entity: AnyEntityName, key: unknown])[];
  /** When somebody should look at whether it is still needed. */
  readonly reviewAt?: Date;
  /** @default what `withDeletionContext()` says around the call, else the module's `actor()` */
  readonly actor?: string;
}

/**
 * Keeps rows from being removed for good: `hardDelete()` refuses to remove them, and the purge and erasures skip them and report them as
 * `held`. A hold covers the rows it is placed on and everything below them through `cascade` relations, rows that are added later
 * included. They can still be soft-deleted and restored. If several holds cover a row, the release of the last one frees it.
 *
 * @publicApi
 */
export class LegalHoldService {
  constructor(private readonly orm: AnyOrm) {}

  /**
   * Places a hold. It waits for removals in progress. Once it is placed, none of its rows can be removed; a row that is already gone is
   * refused.
   *
   * @throws SoftDeleteConfigError if the name, the reason or the rows are missing, or a row does not exist; nothing is placed then
   * @throws NotSoftDeletableError if a row's entity is not marked
   */
  async place(options: LegalHoldOptions): Promise<LegalHold> {
    const { name, reason, on, reviewAt, actor } = requireHold(options);
    const em = currentManager(this.orm);
    const tables = requireTables(em);
    const { operations, ...installation } = getInstallation(em);
    const by = contextOf(installation, actor === undefined ? {} : { actor }).actor;
    return inTransaction(em, async (ctx) => {
      await execute(em, ctx, `select ${LOCK_FOR_PLACING_SQL}, ${ASK_FOR_HOLDS_SQL}`);
      const named = new Map<string, HeldRow>();
      for (const [entity, key] of on) {
        const { meta } = SoftDeleteCatalog.of(em).getMarked(entity);
        const row = await findRow(em, meta, key, 'LegalHoldService.place(), on', ctx);
        if (!row.isThere && !row.isArchived) {
          throw new SoftDeleteConfigError(
            'LegalHoldService.place(), on',
            `there is no ${meta.className} ${showValue(key)}: it never existed, or is gone.`,
            'Leave the row out.',
          );
        }
        named.set(`${meta.className} ${row.key}`, { meta, key: JSON.parse(row.key) as string[] });
      }
      const rows = [...named.values()];
      const [placed] = await execute<{ id: number }>(
        em,
        ctx,
        `insert into ${tableName(em, tables.holds)} ("name", "reason", "placed_by", "review_at") values (?, ?, ?, cast(? as timestamptz)) returning "id"`,
        [name, reason, by ?? null, reviewAt?.toISOString() ?? null],
      );
      await execute(
        em,
        ctx,
        `insert into ${tableName(em, tables.rows)} ("hold", "entity", "key") values ${rows.map(() => '(?, ?, cast(? as jsonb))').join(', ')}`,
        rows.flatMap(({ meta, key }) => [placed!.id, meta.className, JSON.stringify(key)]),
      );
      const [hold] = await readHolds(em, ctx, tables, placed!.id);
      await operations.complete(
        { action: 'held', ...(by === undefined ? {} : { actor: by }), reason, parts: partsOf(em, rows) },
        { em, ctx },
      );
      return hold!;
    });
  }

  /**
   * Releases a hold. It stays on record, with who released it and why.
   *
   * @throws SoftDeleteConfigError if there is no such hold, it is already released, or the reason is missing
   */
  async release(id: number, options: { readonly reason: string; readonly actor?: string }): Promise<LegalHold> {
    const { reason, actor } = requireRelease(id, options);
    const em = currentManager(this.orm);
    const tables = requireTables(em);
    const { operations, ...installation } = getInstallation(em);
    const by = contextOf(installation, actor === undefined ? {} : { actor }).actor;
    return inTransaction(em, async (ctx) => {
      const released = await execute(
        em,
        ctx,
        `update ${tableName(em, tables.holds)} set "released_at" = clock_timestamp(), "released_by" = ?, "release_reason" = ? ` +
          `where "id" = ? and "released_at" is null returning "id"`,
        [by ?? null, reason, id],
      );
      if (released.length === 0) {
        throw new SoftDeleteConfigError(
          'LegalHoldService.release()',
          `there is no active hold ${id}.`,
          'list() returns every hold, released ones too.',
        );
      }
      const [hold] = await readHolds(em, ctx, tables, id);
      const named = await execute<{ entity: string; key: string[] }>(
        em,
        ctx,
        `select "entity", "key" from ${tableName(em, tables.rows)} where "hold" = ?`,
        [id],
      );
      const rows = named.flatMap(({ entity, key }) => {
        const meta = [...em.getMetadata()].find(({ className }) => className === entity);
        return meta ? [{ meta, key }] : [];
      });
      await operations.complete(
        { action: 'released', ...(by === undefined ? {} : { actor: by }), reason, parts: partsOf(em, rows) },
        { em, ctx },
      );
      return hold!;
    });
  }

  /** Returns every hold, newest first, released ones too. */
  async list(): Promise<LegalHold[]> {
    const em = currentManager(this.orm);
    return readHolds(em, em.getTransactionContext(), requireTables(em));
  }

  /** Returns the active holds that cover a row: those on the row itself and those on rows above it. */
  async of<Entity extends object>(entity: EntityName<Entity>, key: unknown): Promise<LegalHold[]> {
    const em = currentManager(this.orm);
    const tables = requireTables(em);
    const { meta } = SoftDeleteCatalog.of(em).getMarked(entity);
    const { key: text, isArchived } = await findRow(em, meta, key, 'LegalHoldService.of()');
    const row = JSON.parse(text) as string[];
    const ctx = em.getTransactionContext();
    const covering: number[] = [];
    for (const hold of await readActiveHolds(em, ctx, tables)) {
      const held = await readHeldRows(em, ctx, tables, [hold]);
      if (held.has(meta, row) || (isArchived && (await archivedHeldRows(em, ctx, held)).has(meta, row))) {
        covering.push(hold.id);
      }
    }
    return (await this.list()).filter(({ id }) => covering.includes(id));
  }
}

function requireTables(em: EntityManager): HoldTables {
  complianceTable(em, LegalHoldRecord);
  return getInstallation(em).holds!;
}

function partsOf(em: EntityManager, rows: readonly HeldRow[]): OperationPart[] {
  return [...Map.groupBy(rows, ({ meta }) => meta)].map(([meta, group]) => ({
    meta,
    count: group.length,
    rows: group.map(({ key }) => ({ key, unit: null })),
    ...(group.length > MOST_KEYS ? {} : { keys: group.map(({ key }) => keyFromTexts(em, meta, key)) }),
  }));
}

function requireHold(options: LegalHoldOptions): LegalHoldOptions {
  const where = 'LegalHoldService.place()';
  refuseUnknownOptions(where, options, ['name', 'reason', 'on', 'reviewAt', 'actor']);
  requireText(`${where}, name`, options.name);
  requireText(`${where}, reason`, options.reason);
  requireType(`${where}, on`, options.on, 'list');
  requireType(`${where}, reviewAt`, options.reviewAt, 'Date');
  requireType(`${where}, actor`, options.actor, 'string');
  const isRow = (row: unknown) => Array.isArray(row) && row.length === 2;
  if (!options.on || options.on.length === 0 || !options.on.every(isRow)) {
    throw new SoftDeleteConfigError(`${where}, on`, 'it names no rows.', 'Write [[Customer, 7], [Order, 17]].');
  }
  return options;
}

function requireRelease(id: unknown, options: { readonly reason: string; readonly actor?: string }) {
  const where = 'LegalHoldService.release()';
  refuseUnknownOptions(where, options, ['reason', 'actor']);
  requireText(`${where}, reason`, options.reason);
  requireType(`${where}, actor`, options.actor, 'string');
  if (!Number.isSafeInteger(id)) {
    throw new SoftDeleteConfigError(
      where,
      `${showValue(id)} is not the id of a hold.`,
      'place() and list() return it.',
    );
  }
  return options;
}

function requireText(option: string, value: unknown): void {
  if (typeof value !== 'string' || value.trim() === '') {
    throw new SoftDeleteConfigError(option, `${showValue(value)} is not text.`, 'Write text that is not empty.');
  }
  requireType(option, value, 'string');
}
