import { SoftDeleteError } from '../../errors/soft-delete.error.js';
import { PurgeInterruptedError } from '../run/purge-interrupted.error.js';

/**
 * What only reads is interrupted as a run is, before it has done anything.
 *
 * @throws PurgeInterruptedError if the database cannot be reached or refuses
 * @internal
 */
export async function whileReading<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SoftDeleteError) {
      throw error;
    }
    const now = new Date();
    throw new PurgeInterruptedError(error, {
      startedAt: now,
      finishedAt: now,
      dryRun: true,
      outcome: 'aborted',
      isFinished: false,
      total: 0,
      entities: [],
    });
  }
}
