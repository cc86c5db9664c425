import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { sqlState } from '../connection/classify-failure.js';

/**
 * Looks keys up in the database, which refuses text that its type cannot read.
 *
 * @throws SoftDeleteConfigError if it does
 * @internal
 */
export async function refuseUnreadableKeys<Result>(entity: string, find: () => Promise<Result>): Promise<Result> {
  try {
    return await find();
  } catch (error) {
    if (!sqlState(error)?.startsWith('22')) {
      throw error;
    }
    throw new SoftDeleteConfigError(
      'explain(), keys',
      `one of them cannot be a key of ${entity}: ${(error as Error).message}.`,
      `Pass primary keys of ${entity}.`,
    );
  }
}
