import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from '../../sql/transaction.js';

/** Settings of a session on which the text of a value depends, each with the value under which it is exact. */
const PINNED = {
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
} as const;

/**
 * Runs statements in which the text of every value can be read back to the same value, and is the same in every session. What the
 * caller's transaction had set holds again afterwards.
 *
 * @internal
 */
export async function withExactText<Result>(
  em: EntityManager,
  ctx: Transaction,
  work: () => Promise<Result>,
): Promise<Result> {
  const names = Object.keys(PINNED) as (keyof typeof PINNED)[];
  const [before] = await execute<Record<string, string>>(
    em,
    ctx,
    `with before as materialized (select ${names.map((name) => `current_setting('${name}') as "${name}"`).join(', ')}) ` +
      `select before.*, ${names.map((name) => `set_config('${name}', '${PINNED[name]}', true)`).join(', ')} from before`,
  );
  const result = await work();
  const changed = names.filter((name) => before![name] !== PINNED[name]);
  if (changed.length > 0) {
    // An error ends the transaction or savepoint, and the settings with it.
    await execute(
      em,
      ctx,
      `select ${changed.map((name) => `set_config('${name}', ?, true)`).join(', ')}`,
      changed.map((name) => before![name]),
    );
  }
  return result;
}
