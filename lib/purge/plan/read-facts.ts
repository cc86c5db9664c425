import type { PurgeConnection } from '../connection/purge-connection.js';
import { readServerFacts, readTableFacts, type ServerFacts, type TableFacts } from '../statements/read-table-facts.js';
import { adviseServer, LARGE } from './advise.js';
import { purgedTables } from './describe-plan.js';
import type { EntityPlan } from './purge-planner.js';

/** What of the tables of a purge matters to it, and advice about their server where one of them is large. @internal */
export async function readFacts(
  connection: PurgeConnection,
  plans: readonly EntityPlan[],
): Promise<{ readonly tables: readonly TableFacts[]; readonly server: readonly string[] }> {
  const purged = [...new Set(plans.flatMap(purgedTables))];
  const tables = purged.length > 0 ? await connection.read<TableFacts>(readTableFacts(purged, LARGE)) : [];
  if (tables.every(({ parts }) => parts.length === 0)) {
    return { tables, server: [] };
  }
  const [server] = await connection.read<ServerFacts>(readServerFacts());
  return { tables, server: adviseServer(server!) };
}
