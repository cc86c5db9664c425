import { BadRequestException } from '@nestjs/common';
import { parseTime } from '../../options/parse-time.js';

const LARGEST_PAGE = 200;
const PAGE = 50;

/**
 * The query parameters of a request as texts; empty ones are left out.
 *
 * @throws BadRequestException to the client, if one of them is unknown or given twice
 * @internal
 */
export function textsOf<Name extends string>(
  query: Readonly<Record<string, unknown>>,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const texts: Partial<Record<Name, string>> = {};
  for (const [name, value] of Object.entries(query)) {
    const known = names.find((one) => one === name);
    if (known === undefined) {
      throw new BadRequestException(`There is no query parameter ${name}. Those that are: ${names.join(', ')}.`);
    }
    if (value !== undefined && (typeof value !== 'string' || value.includes('\0'))) {
      throw new BadRequestException(`The query parameter ${name} must be given once, as text.`);
    }
    if (value !== '' && value !== undefined) {
      texts[known] = value;
    }
  }
  return texts;
}

/** @internal */
export function readTime(name: string, value: string | undefined): Date | undefined {
  if (value === undefined) {
    return undefined;
  }
  const date = parseTime(value);
  if (!date) {
    throw new BadRequestException(
      `The query parameter ${name} must be a time in ISO 8601, such as 2026-01-31T12:00:00Z.`,
    );
  }
  return date;
}

/** @internal */
export function readLimit(value: string | undefined): number {
  if (value === undefined) {
    return PAGE;
  }
  const limit = Number(value);
  if (!/^\d{1,3}$/.test(value) || limit < 1 || limit > LARGEST_PAGE) {
    throw new BadRequestException(`The query parameter limit must be a whole number from 1 to ${LARGEST_PAGE}.`);
  }
  return limit;
}
