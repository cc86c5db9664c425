import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { type CalendarDuration, intervalOf } from './interval.js';
import { refuseUnknownOptions } from './refuse-unknown-options.js';
import { requireType } from './require-type.js';

/**
 * An erasure as a ledger outside of the database keeps it. It can be stored as JSON and names nobody. With it, the erasure can be repeated
 * after an older backup was restored.
 *
 * @publicApi
 */
export interface ErasureLedgerEntry {
  readonly id: number;
  /** The tenant's, where tenants have erasures of their own. */
  readonly schema?: string;
  /** The entity's name. */
  readonly entity: string;
  /** The texts of the key's columns. */
  readonly key: readonly string[];
  /** In ISO format, like `erasedAt`. */
  readonly requestedAt: string;
  readonly erasedAt: string;
  /** Salted hashes that tell the person from another one with the same key. */
  readonly fingerprint: ErasureFingerprint;
}

/**
 * Salted hashes of a person's row.
 *
 * @publicApi
 */
export interface ErasureFingerprint {
  readonly salt: string;
  /** By column. */
  readonly hashes: Readonly<Record<string, string>>;
  /** The columns whose values nobody else may have. */
  readonly unique: readonly string[];
}

/**
 * When personal data is erased, and the ledger of erasures.
 *
 * @publicApi
 */
export interface ErasureOptions {
  /**
   * How long an erasure may take from the request on. Months and years are those of the calendar.
   *
   * @default '1 month'
   */
  deadline?: CalendarDuration;
  /**
   * When requests are carried out and partial erasures are resumed, as a cron expression. Without it, or with `''`, nothing is scheduled;
   * `ErasureService.run()` works all the same.
   */
  cron?: string;
  /**
   * The time zone of `cron`, such as `'Europe/Berlin'`.
   *
   * @default the process' time zone
   */
  timeZone?: string;
  /**
   * Stores an erasure where restoring a backup does not undo it. Called once per erasure, after the commit, as soon as the person's own row
   * is erased, even if other rows are kept or held. If it fails, or if `erase()` ran inside a transaction, the next run calls it. No
   * transaction is open meanwhile. It is waited for ten seconds, and called again if it has not answered after ten minutes.
   */
  ledger?: (entry: ErasureLedgerEntry) => Promise<void> | void;
}

const KEYS = ['deadline', 'cron', 'timeZone', 'ledger'] satisfies (keyof ErasureOptions)[];

/**
 * @throws SoftDeleteConfigError if an option cannot work
 * @internal
 */
export function requireErasureOptions(options: ErasureOptions = {}): ErasureOptions {
  refuseUnknownOptions('erasure', options, KEYS, 'erasure.');
  if (options.deadline !== undefined) {
    intervalOf('erasure.deadline', options.deadline);
  }
  if (
    options.cron !== undefined &&
    (typeof options.cron !== 'string' || (options.cron !== '' && options.cron.trim() === ''))
  ) {
    throw new SoftDeleteConfigError(
      'erasure.cron',
      `${showValue(options.cron)} is not text.`,
      "Write for example '30 3 * * *' for every night at half past three.",
    );
  }
  requireType('erasure.timeZone', options.timeZone, 'string');
  requireType('erasure.ledger', options.ledger, 'function');
  return Object.fromEntries(
    KEYS.filter((name) => options[name] !== undefined && options[name] !== '').map((name) => [name, options[name]]),
  ) as ErasureOptions;
}
