import { isUnknownName } from './kept-facts.js';

/**
 * Does work in a transaction or savepoint of its own, and once more if it has named what the database does not know: then what was known
 * of the database is forgotten, and read again.
 *
 * @internal
 */
export async function againIfRenamed<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isUnknownName(error)) {
      throw error;
    }
    return work();
  }
}
