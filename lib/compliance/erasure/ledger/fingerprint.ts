import { randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { ErasureFingerprint } from '../../../options/erasure-options.js';

const derive = promisify<string, string, number, { N: number }, Buffer>(scrypt);

/** A value of a person's row with its column. @internal */
export interface PersonValue {
  readonly column: string;
  readonly value: string;
  readonly isUnique: boolean;
}

/**
 * Salted hashes of a person's values. They are slow to compute, so that lists of names and addresses cannot be tried in no time.
 *
 * @internal
 */
export async function fingerprintOf(values: readonly PersonValue[]): Promise<ErasureFingerprint> {
  const salt = randomBytes(16).toString('hex');
  const hashes: Record<string, string> = {};
  for (const { column, value } of values) {
    hashes[column] = await hash(column, value, salt);
  }
  return { salt, hashes, unique: values.filter(({ isUnique }) => isUnique).map(({ column }) => column) };
}

/**
 * Whether values are those of the same person: one that nobody else may have is the same, or at least half of all are. A person may have
 * changed some between the backup and the erasure.
 *
 * @internal
 */
export async function isSamePerson(
  { salt, hashes, unique }: ErasureFingerprint,
  values: readonly PersonValue[],
): Promise<boolean> {
  let same = 0;
  for (const { column, value } of values) {
    if (hashes[column] !== undefined && (await hash(column, value, salt)) === hashes[column]) {
      if (unique.includes(column)) {
        return true;
      }
      same += 1;
    }
  }
  return same > 0 && same * 2 >= Object.keys(hashes).length;
}

async function hash(column: string, value: string, salt: string): Promise<string> {
  return (await derive(`${column}:${value}`, salt, 16, { N: 4_096 })).toString('hex');
}
