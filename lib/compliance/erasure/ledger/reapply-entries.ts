import { type EntityMetadata, Utils } from '@mikro-orm/core';
import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { ErasureUndeclaredError } from '../../../errors/erasure-undeclared.error.js';
import { showValue } from '../../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../../errors/soft-delete-config.error.js';
import { contextOf } from '../../../installation/context-of.js';
import { getInstallation } from '../../../installation/installation.js';
import type { ErasureLedgerEntry } from '../../../options/erasure-options.js';
import { couldBeKey } from '../../../sql/could-be-key.js';
import { keyFromTexts } from '../../../sql/key-from-texts.js';
import { execute, inTransaction } from '../../../sql/transaction.js';
import { carryOutErasure } from '../carry-out-erasure.js';
import { findUndeclared } from '../declaration/find-undeclared.js';
import { PersonalDataCatalog } from '../declaration/personal-data-catalog.js';
import { erasureTable, insertErasure, IS_REQUESTED_AT, readErasures } from '../erasure-store.js';
import { tenantOf } from '../../managers-of-tenants.js';
import { sameKeySql } from '../../record/same-key-sql.js';
import { collectPersonalRows } from '../graph/collect-personal-rows.js';
import { takeTurn } from '../take-turn.js';
import { isSamePerson } from './fingerprint.js';
import { readPerson } from './read-person.js';

/**
 * What has become of an entry of the ledger after a backup was restored.
 *
 * @publicApi
 */
export interface ReappliedErasure {
  /** The tenant's, where the entry names one. */
  readonly schema?: string;
  readonly entity: string;
  readonly key: unknown;
  /**
   * `erased`: the person was back, and is erased again. `gone`: there was nothing to erase. `partial`: there was nothing that may be erased
   * yet, since the person's own row is held or kept; a later `run()` does it. `mismatch`: the key is somebody else's, who was left alone.
   */
  readonly outcome: 'erased' | 'gone' | 'partial' | 'mismatch';
}

/**
 * Erases again what a restored backup has brought back.
 *
 * @throws SoftDeleteConfigError if an entry is none, of an unknown entity or of an unknown tenant; nothing is erased then
 * @throws ErasureUndeclaredError if nobody says of an entity or a column what is to become of it
 * @internal
 */
export async function reapplyEntries(
  em: EntityManager,
  entries: readonly ErasureLedgerEntry[],
  deadline: string,
): Promise<ReappliedErasure[]> {
  const asked = entries.map((entry) => ({ entry, meta: requireEntry(em, entry) }));
  for (const meta of new Set(asked.map((each) => each.meta))) {
    const undeclared = findUndeclared(em, meta);
    if (undeclared.length > 0) {
      throw new ErasureUndeclaredError(meta.className, undeclared);
    }
  }
  const managers = new Map<string | undefined, EntityManager>();
  for (const schema of new Set(entries.map((entry) => entry.schema))) {
    managers.set(schema, await managerOf(em, schema));
  }
  const reapplied: ReappliedErasure[] = [];
  for (const { entry, meta } of asked) {
    const { schema } = entry;
    const own = managers.get(schema)!;
    const outcome = await inTransaction(own, (ctx) => reapply(own, ctx, meta, entry, deadline));
    const key = keyFromTexts(em, meta, entry.key);
    reapplied.push({ ...(schema === undefined ? {} : { schema }), entity: entry.entity, key, outcome });
  }
  return reapplied;
}

/** @throws SoftDeleteConfigError if the entity manager has no erasures there, or is another tenant's */
async function managerOf(em: EntityManager, schema: string | undefined): Promise<EntityManager> {
  const own = schema === undefined ? em : (em.fork({ schema, keepTransactionContext: true }) as EntityManager);
  const table = erasureTable(own);
  const isOurs = schema === undefined || (tenantOf(own).schema === schema && (em.schema ?? schema) === schema);
  const ctx = em.getTransactionContext<Transaction>()!;
  if (!isOurs || (await execute(em, ctx, 'select where to_regclass(?) is not null', [table])).length === 0) {
    throw new SoftDeleteConfigError(
      'ErasureService.reapply()',
      `an entry is of the schema ${showValue(schema)}, where the entity manager has no erasures.`,
      "Pass entries of this database, and those of several tenants outside of any tenant's context.",
    );
  }
  return own;
}

async function reapply(
  em: EntityManager,
  ctx: Transaction,
  meta: EntityMetadata,
  entry: ErasureLedgerEntry,
  deadline: string,
): Promise<ReappliedErasure['outcome']> {
  const { requestedAt, fingerprint } = entry;
  await takeTurn(em, ctx);
  const rows = await collectPersonalRows(em, ctx, PersonalDataCatalog.of(em), meta, entry.key);
  if (!rows) {
    return 'gone';
  }
  const values = await readPerson(em, ctx, rows.persons);
  // One that shows nothing but replacements was erased before the backup was made.
  if (values.length > 0 && !(await isSamePerson(fingerprint, values))) {
    return 'mismatch';
  }
  const at = new Date(requestedAt);
  // As the row has it.
  const key = rows.persons[0]?.key ?? entry.key;
  const ofPerson = sameKeySql(meta, 'e."entity"', 'e."key"', key);
  const [known] = await readErasures(em, ctx, `${ofPerson.sql} and e."withdrawn_at" is null and ${IS_REQUESTED_AT}`, [
    ...ofPerson.params,
    at.toISOString(),
  ]);
  const context = contextOf(getInstallation(em));
  const id = known?.id ?? (await insertErasure(em, ctx, { subject: meta, key, requestedAt: at, deadline, ...context }));
  await execute(
    em,
    ctx,
    `update ${erasureTable(em)} set "fingerprint" = cast(? as jsonb), "ledger" = 'told' where "id" = ?`,
    [JSON.stringify(fingerprint), id],
  );
  const { changed, stays } = await carryOutErasure(em, ctx, meta, id, { context });
  if (changed > 0) {
    return 'erased';
  }
  return stays ? 'partial' : 'gone';
}

function requireEntry(em: EntityManager, entry: ErasureLedgerEntry): EntityMetadata {
  const where = 'ErasureService.reapply()';
  const refusal = () =>
    new SoftDeleteConfigError(
      where,
      `${showValue(entry)} is not an entry of a ledger.`,
      'Pass entries as the ledger received them, or as entries() returns them.',
    );
  if (!isEntry(entry)) {
    throw refusal();
  }
  const meta = [...em.getMetadata()].find(({ className }) => className === entry.entity);
  if (!meta || !PersonalDataCatalog.of(em).findSubject(meta)) {
    throw new SoftDeleteConfigError(
      where,
      `${entry.entity} is ${meta ? 'not a person' : 'not an entity'} of this ORM.`,
      'Register it, and mark it with @PersonalData({ subject: true, … }).',
    );
  }
  if (!couldBeKey(meta, entry.key)) {
    throw refusal();
  }
  return meta;
}

function isEntry(entry: Partial<ErasureLedgerEntry> | null | undefined): boolean {
  const { key, schema, fingerprint, requestedAt } = entry ?? {};
  const areTexts = (list: unknown) => Array.isArray(list) && list.every((text) => typeof text === 'string');
  const hashes: unknown = fingerprint?.hashes;
  return (
    areTexts(key) &&
    (schema === undefined || typeof schema === 'string') &&
    (typeof requestedAt === 'string' || (requestedAt as unknown) instanceof Date) &&
    !Number.isNaN(Date.parse(requestedAt!)) &&
    typeof fingerprint?.salt === 'string' &&
    areTexts(fingerprint.unique) &&
    Utils.isPlainObject(hashes) &&
    areTexts(Object.values(hashes))
  );
}
