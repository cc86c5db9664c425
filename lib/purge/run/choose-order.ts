import type { EntityRun } from './entity-run.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import type { PassOrder } from '../fragments/batch-range.js';
import { countDue } from '../statements/count-due.js';
import { IN_ORDER } from '../fragments/plan-settings.js';
import { SAMPLE_SIZE, sampleDue, type SampleRow } from '../statements/sample-due.js';

/**
 * How many due rows per page of the table make it worth to read all its pages, where reading by age fetches nearly every row from
 * another page.
 */
const ROWS_PER_PAGE = 2;

/**
 * Chooses the order in which the least is read: by age where few rows are due, by place where many are. Rows that
 * reference each other go fastest in the order in which those that are referenced come last, which mostly is the latest first, or
 * else the other way round.
 *
 * @internal
 */
export async function chooseOrder(connection: PurgeConnection, run: EntityRun, pass: number): Promise<PassOrder> {
  const { entity, selfReferences } = run.plan;
  // A partitioned table is many, and a foreign one has its pages on another server.
  const isElsewhere = entity.table.isPartitioned || entity.table.pages === 0;
  if (!entity.hasPurgeIndex && !isElsewhere) {
    return 'place';
  }
  if (selfReferences.length > 0) {
    return pass % 2 === 0 ? 'youth' : 'age';
  }
  if (isElsewhere) {
    return 'age';
  }
  const [sample] = await connection.read<SampleRow>(sampleDue(run.rows), IN_ORDER);
  const { pages, sampled, sampledPages } = sample!;
  // Rows that were deleted one after the other lie next to each other: by age is by place then.
  if (sampledPages * 8 <= sampled && sampled >= SAMPLE_SIZE) {
    return 'age';
  }
  const enough = Math.max(1, pages * ROWS_PER_PAGE);
  const [count] = await connection.read<{ due: number }>(countDue(run.rows, enough), IN_ORDER);
  return count!.due >= enough ? 'place' : 'age';
}
