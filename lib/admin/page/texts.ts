import { type AdminTexts, ENGLISH } from '../admin-texts.js';
import { config } from './config.js';

const texts: AdminTexts = { ...ENGLISH, ...config.locale };
const { language } = texts;
const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);
const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
const short = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
const exact = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });

const UNITS = [
  ['year', 31_536_000, 63_072_000],
  ['month', 2_592_000, 5_184_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

type Values = Readonly<Record<string, unknown>>;

/** A text of the page with its values filled in. */
export function say(name: keyof AdminTexts, values: Values = {}): string {
  const [one, many = one] = texts[name].split(' | ');
  const count = values['count'] ?? values['rows'];
  const form = typeof count === 'number' && plurals.select(count) !== 'one' ? many! : one!;
  return form.replace(/\{(\w+)\}/g, (_match, key: string) => number(values[key]));
}

/** A number as the language writes it, and anything else as it is. */
export function number(value: unknown): string {
  return typeof value === 'number' ? numbers.format(value) : String(value ?? '');
}

/** How long ago. */
export function ago(time: string): string {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  // 31 days say more than last month.
  const [unit, size] = UNITS.find(([, length, from = length]) => Math.abs(seconds) >= from) ?? UNITS.at(-1)!;
  return Number.isNaN(seconds) ? time : relative.format(Math.round(seconds / size), unit);
}

export function exactly(time: string): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? time : exact.format(date);
}

/** A name of the code in words: `priceInCents` becomes `Price in cents`. */
export function inWords(name: string): string {
  const words = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A value of a row as a table shows it. */
export function show(value: unknown): string {
  if (value === null || value === undefined || value === '') {
    return '–';
  }
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) {
    return short.format(new Date(value));
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
