import { SoftDeleteError } from '../../errors/soft-delete.error.js';
import { sqlState } from '../connection/classify-failure.js';
import type { PurgeReport } from '../purge-report.js';

/**
 * A purge could not go on: the database cannot be reached, is read-only, or refuses the statement as such. Batches that
 * were committed before stay so, and the next run goes on where this one ended.
 *
 * @publicApi
 */
export class PurgeInterruptedError extends SoftDeleteError {
  readonly code = 'PURGE_INTERRUPTED';

  constructor(
    cause: unknown,
    /** What the run had done until then. */
    readonly report: PurgeReport,
  ) {
    super(
      `The purge was interrupted after ${report.total} rows: ${describe(cause)}${cause instanceof SoftDeleteError ? '' : `. ${advice(sqlState(cause))}`} The next run goes on where this one ended.`,
      { cause },
    );
  }
}

/** An attempt on several addresses of a host fails with one error that has no message of its own. */
function describe(cause: unknown): string {
  const { message, errors } = (cause ?? {}) as { message?: string; errors?: unknown };
  return message || (Array.isArray(errors) ? errors.map(describe).join(', ') : String(cause));
}

function advice(state: string | undefined): string {
  switch (state) {
    case '25006':
      return 'The server is read-only, perhaps a standby after a failover: connect to the primary.';
    case '42501':
      return 'Grant the database user select, update (which locking a row takes) and delete on the tables.';
    case '0A000':
    case '55000':
      return 'The database allows no deletion there: give the table a replica identity if a publication has it, detach the partition that lies on a server that cannot be written to, or drop a rule on DELETE in favour of a trigger.';
    case '53300':
      return 'The server has no free connection: lower the size of the pools, or raise max_connections.';
    case '28P01':
    case '28000':
      return 'Check the user and the password of the MikroORM configuration, and pg_hba.conf of the server.';
    case '3D000':
      return 'Check the name of the database in the MikroORM configuration.';
    case '57P03':
      return 'The server is starting up or shutting down: wait until it accepts connections.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'Check the name of the host in the MikroORM configuration, and the DNS.';
    case 'ECONNREFUSED':
      return 'Check that the server runs, and the host and port of the MikroORM configuration.';
    default:
      return 'Check that the database can be reached and that its schema is up to date.';
  }
}
