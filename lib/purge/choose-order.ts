import type { EntityRun } from './entity-run.js';
import type { PurgeConnection } from './purge-connection.js';
import type { PassOrder } from './statements/batch-range.js';
import { countDue } from './statements/count-due.js';
import { sampleDue, type SampleRow } from './statements/sample-due.js';

/**
 * How many due rows per page of the table make it worth to read all pages: few if reading by age would fetch nearly every row from
 * another page, many if the rows of one age lie next to each other.
 */
const ROWS_PER_PAGE = { scattered: 2, together: 10 };

/**
 * Chooses the order in which the least is read: by age where few rows are due, by place where many are.
 *
 * @internal
 */
export async function chooseOrder(connection: PurgeConnection, run: EntityRun): Promise<PassOrder> {
  const { entity, selfReferences } = run.plan;
  const { isPartitioned } = entity.table;
  if (!entity.hasPurgeIndex && !isPartitioned) {
    return 'place';
  }
  if (selfReferences.length > 0) {
    return 'youth';
  }
  if (isPartitioned) {
    return 'age';
  }
  const [sample] = await connection.read<SampleRow>(sampleDue(run.rows));
  const { pages, sampled, sampledPages } = sample!;
  const isTogether = sampledPages * 8 <= sampled;
  const enough = Math.max(sampled, pages * (isTogether ? ROWS_PER_PAGE.together : ROWS_PER_PAGE.scattered));
  const [count] = await connection.read<{ due: number }>(countDue(run.rows, enough));
  return count!.due >= enough && count!.due > 0 ? 'place' : 'age';
}
