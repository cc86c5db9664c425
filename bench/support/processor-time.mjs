import { readFileSync } from 'node:fs';

/**
 * The processor time that work takes, in this process and in the sessions of a database, with the time that passes, in milliseconds. Others
 * that the machine is busy with show in the latter alone, which says nothing about a few percent.
 *
 * @param client - a connection to the database that the work does not use
 */
export async function withProcessorTime(client, work) {
  const { rows } = await client.query(
    `select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  const inSessions = () => rows.reduce((sum, { pid }) => sum + inSession(pid), 0);
  const before = { sessions: inSessions(), own: process.cpuUsage(), at: performance.now() };
  const result = await work();
  const ms = performance.now() - before.at;
  const own = process.cpuUsage(before.own);
  return { ms, processor: inSessions() - before.sessions + (own.user + own.system) / 1_000, result };
}

/** Nanoseconds on a processor come first. Linux alone has the file. */
function inSession(pid) {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}
