import type { EntityManager } from '@mikro-orm/postgresql';
import { findInstallation } from '../../installation/installation.js';
import type { ResolvedPurgeOptions } from '../../options/resolve-module-options.js';
import { RECORDS_BEFORE_SETTING } from '../../sql/guard-setting.js';
import { tableName } from '../../sql/table-name.js';
import { sqlState } from '../connection/classify-failure.js';
import type { BatchTransaction, PurgeConnection } from '../connection/purge-connection.js';
import { fixedSettings } from '../fragments/batch-settings.js';
import { configureTransaction } from '../fragments/configure-transaction.js';
import { deleteRecords, readRecordCutoff } from '../statements/expire-records.js';
import { dropMonth, type DroppableMonth, listMonths } from '../statements/list-months.js';
import { pauseAfter } from '../batch/pause-after.js';
import type { StopSignal } from './stop-signal.js';

const BATCH = 5_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** Removes the records whose retention is over, if there is one: whole months, and the rest in batches. @internal */
export async function expireRecords(
  em: EntityManager,
  connection: PurgeConnection,
  { pauseBetweenBatches, lockTimeout }: Pick<ResolvedPurgeOptions, 'pauseBetweenBatches' | 'lockTimeout'>,
  stop: StopSignal,
): Promise<void> {
  const { records: meta, recordRetention = 'forever' } = findInstallation(em) ?? {};
  if (!meta || recordRetention === 'forever') {
    return;
  }
  const { quote } = connection;
  const records = tableName(em, meta);
  const transact = <Result>(work: (transaction: BatchTransaction) => Promise<Result>): Promise<Result> =>
    connection.transaction(fixedSettings(lockTimeout), work);
  const [row] = await connection.read<{ cutoff: string }>(readRecordCutoff(recordRetention));
  const { cutoff } = row!;
  const months = await connection.read<DroppableMonth & Record<string, unknown>>(listMonths(records, cutoff, quote));
  for (const month of months) {
    stop.throwIfStopped();
    // A month that is in use goes with the next run.
    await transact(({ execute }) => execute(dropMonth(month))).catch(unlessLocked);
  }
  for (let gone = BATCH; gone === BATCH;) {
    stop.throwIfStopped();
    const measure = connection.clock.start();
    gone = await transact(async ({ execute, change }) => {
      await execute(configureTransaction({ [RECORDS_BEFORE_SETTING]: cutoff }, quote));
      return change(deleteRecords(records, cutoff, BATCH, quote));
    });
    await stop.pause(gone === BATCH ? pauseAfter(measure().worked, pauseBetweenBatches) : 0);
  }
}

function unlessLocked(error: unknown): void {
  if (sqlState(error) !== LOCK_NOT_AVAILABLE) {
    throw error;
  }
}
