import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { execute } from '../../sql/transaction.js';
import { type SettingValues, withSettings } from '../../sql/with-settings.js';

/** Settings of a session on which the text of a value depends, each with the value under which it is exact. */
const PINNED = {
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
  array_nulls: 'on',
  quote_all_identifiers: 'off',
} as const;

type Setting = keyof typeof PINNED;

/** Those that say how text is read as well, so that a condition may mean something else under another value. */
const READING: readonly Setting[] = ['DateStyle', 'IntervalStyle', 'TimeZone', 'xmloption', 'array_nulls'];

/**
 * Runs statements in which the text of every value can be read back to the same value, and is the same in every session. What the
 * caller's transaction had set holds again afterwards.
 *
 * @param settings - what else is set meanwhile
 * @internal
 */
export function withExactText<Result>(
  em: EntityManager,
  ctx: Transaction,
  work: () => Promise<Result>,
  settings: SettingValues = {},
): Promise<Result> {
  return withSettings(em, ctx, { ...PINNED, ...settings }, work);
}

/**
 * Runs statements that read the texts of archived rows, and conditions of the caller's, which mean what they mean in the caller's session:
 * its time zone, and its order of day and month.
 *
 * @internal
 */
export function withReadableText<Result>(
  em: EntityManager,
  ctx: Transaction,
  work: () => Promise<Result>,
): Promise<Result> {
  const { TimeZone: _zone, ...settings } = PINNED;
  // Alone, the format leaves the order of days and months alone.
  return withSettings(em, ctx, { ...settings, DateStyle: 'ISO' }, work);
}

/**
 * The same for statements that archive rows by a condition of the caller's, which means what it means in the caller's session. The text of times with a
 * time zone can be read back to the same value, but is not the same in every session.
 *
 * @returns nothing, without a try, where the session prints or reads values so that they would not come back equal
 * @internal
 */
export async function withExactOutput<Result>(
  em: EntityManager,
  ctx: Transaction,
  work: (timeZone: string) => Promise<Result>,
): Promise<Result | undefined> {
  const names = (Object.keys(PINNED) as Setting[]).filter((name) => !READING.includes(name));
  const settings = Object.fromEntries(names.map((name) => [name, PINNED[name]]));
  const [session] = await execute<{ zone: string; exact: boolean }>(
    em,
    ctx,
    `select current_setting('TimeZone') as zone, current_setting('DateStyle') like 'ISO%' and ` +
      `${(['IntervalStyle', 'xmloption', 'array_nulls'] as const).map((name) => `current_setting('${name}') = '${PINNED[name]}'`).join(' and ')} as exact`,
  );
  return session!.exact ? withSettings(em, ctx, settings, () => work(session!.zone)) : undefined;
}
