import { describeRetention } from '../options/show-duration.js';
import type { PersonalDataPolicy } from './entity-policy.js';

/**
 * What an erasure does with personal data, as Markdown: whose rows they are, what becomes of them, and what is kept first.
 *
 * @param deadline - how long an erasure may take, from the request on, as PostgreSQL reads an interval
 * @internal
 */
export function describePersonalData(declared: readonly PersonalDataPolicy[], deadline: string): string[] {
  return declared.length === 0
    ? []
    : [
        '## Personal data',
        '',
        `A person's data is erased within ${showInterval(deadline)} of the request. Legal holds go before legal periods, and these before the erasure.`,
        '',
        '| Entity | Whose | An erasure | Overwrites | Keeps first | From | Ground |',
        '| --- | --- | --- | --- | --- | --- | --- |',
        ...declared.map(row),
        '',
      ];
}

function row({ entity, isSubject, of, fields, erasesRow, keep }: PersonalDataPolicy): string {
  const cells = [
    entity,
    [...(isSubject ? ['its own'] : []), ...of].join('; ') || '–',
    erasesRow ? 'removes the row' : fields.length > 0 ? 'overwrites' : 'leaves the row',
    fields.join(', ') || '–',
    keep ? showInterval(keep.for) : '–',
    keep?.from ?? '–',
    keep?.ground ?? '–',
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** `1 months` reads wrong, and so do milliseconds. */
function showInterval(interval: string): string {
  const [count, unit] = interval.split(' ') as [string, string];
  return unit === 'milliseconds'
    ? describeRetention(Number(count))
    : `${count} ${count === '1' ? unit.slice(0, -1) : unit}`;
}
