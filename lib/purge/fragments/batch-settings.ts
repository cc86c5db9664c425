import { HOLDS_CHECKED, HOLDS_SETTING, PHYSICAL_DELETE_SETTING } from '../../sql/guard-setting.js';
import type { PurgeTable } from '../plan/key-graph.js';
import type { Settings } from './configure-transaction.js';
import { BY_KEY, IN_ORDER } from './plan-settings.js';

/** @internal */
export interface BatchSettings {
  /** Milliseconds. */
  readonly lockTimeout: number;
  /** Milliseconds. */
  readonly statementTimeout: number;
  /** Milliseconds. */
  readonly idleTimeout: number;
  /** Whether hooks are called. They do things outside of the database, so the commit then waits until it is on disk. */
  readonly hasHooks: boolean;
  /** Tables whose counters are read, to be compared later. */
  readonly counted: readonly PurgeTable[];
}

/** In milliseconds: rows of a month are counted before it goes, and units go as a whole. */
const FIXED_TIMEOUT = 60_000;

/** Those of a transaction that does not adapt to the time its rows take: on the archive, on records. @internal */
export function fixedSettings(lockTimeout: number, hasHooks = false): BatchSettings {
  return { lockTimeout, statementTimeout: FIXED_TIMEOUT, idleTimeout: FIXED_TIMEOUT, hasHooks, counted: [] };
}

/**
 * Settings that make the transaction short, harmless and allowed to remove rows. They are local to the transaction, so that it is
 * safe behind a transaction pooler.
 *
 * @param knowsHolds - whether the batch keeps holds from being placed and leaves out what they cover; hooks may remove other rows
 * @internal
 */
export function batchSettings(settings: BatchSettings, knowsHolds: boolean): Settings {
  return {
    lock_timeout: `${Math.ceil(settings.lockTimeout)}ms`,
    statement_timeout: `${Math.ceil(settings.statementTimeout)}ms`,
    idle_in_transaction_session_timeout: `${Math.ceil(settings.idleTimeout)}ms`,
    ...(settings.hasHooks ? BY_KEY : { ...IN_ORDER, synchronous_commit: 'off' }),
    [PHYSICAL_DELETE_SETTING]: 'allowed',
    ...(knowsHolds && !settings.hasHooks ? { [HOLDS_SETTING]: HOLDS_CHECKED } : {}),
  };
}
