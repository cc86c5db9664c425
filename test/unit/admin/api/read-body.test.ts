import { BadRequestException } from '@nestjs/common';
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import type { AdminEntity } from '../../../../lib/admin/admin-entity.js';
import {
  readHoldBody,
  readPurgeBody,
  readReleaseBody,
  readRowsBody,
  requireConfirmation,
} from '../../../../lib/admin/api/read-body.js';

const Customer = softDeletable(
  defineEntity({
    name: 'Customer',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
);

describe('The body of a request to the admin API', () => {
  let customer: AdminEntity;
  beforeAll(async () => {
    const orm = await MikroORM.init({ dbName: 'none', entities: [Customer], extensions: [softDelete()] });
    await orm.close();
    const meta = [...orm.getMetadata()].find(({ className }) => className === 'Customer');
    customer = { meta, name: 'Customer' } as unknown as AdminEntity;
  });

  const rows = (body: unknown, ...allowed: ('dryRun' | 'withParents' | 'confirm')[]) =>
    readRowsBody(customer, body, allowed);
  /** What the client is told is wrong. */
  const problemOf = (read: () => unknown) => {
    try {
      return read();
    } catch (error) {
      expect(error).toBeInstanceOf(BadRequestException);
      return (error as Error).message;
    }
  };

  it('names rows, and says what is to be done with them and why', () => {
    expect(rows({ keys: ['7', '8'] })).toEqual({
      keys: [7, 8],
      dryRun: false,
      withParents: false,
      confirm: undefined,
      why: {},
    });
    expect(
      rows({ keys: ['7'], dryRun: true, withParents: true, reason: ' asked ' }, 'dryRun', 'withParents', 'confirm'),
    ).toEqual({ keys: [7], dryRun: true, withParents: true, confirm: undefined, why: { reason: 'asked' } });
    expect(rows({ keys: ['7'], confirm: '3', dryRun: false, reason: '' }, 'dryRun', 'confirm')).toEqual({
      keys: [7],
      dryRun: false,
      withParents: false,
      confirm: '3',
      why: {},
    });
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'The body must be a JSON object.'],
    ['null', null, 'The body must be a JSON object.'],
    ['a list', [], 'The body must be a JSON object.'],
    ['text', 'keys', 'The body must be a JSON object.'],
    ['no keys', {}, 'keys must be a list of 1 to 1000 keys.'],
    ['keys that are no list', { keys: '7' }, 'keys must be a list of 1 to 1000 keys.'],
    ['an empty list', { keys: [] }, 'keys must be a list of 1 to 1000 keys.'],
    ['too many keys', { keys: Array(1_001).fill('7') }, 'keys must be a list of 1 to 1000 keys.'],
    [
      'what is not known',
      { keys: ['7'], force: true },
      'There is no "force". The body may have: keys, reason, dryRun, confirm.',
    ],
    [
      'what is not allowed',
      { keys: ['7'], withParents: true },
      'There is no "withParents". The body may have: keys, reason, dryRun, confirm.',
    ],
    ['a switch that is text', { keys: ['7'], dryRun: 'yes' }, 'dryRun must be true or false.'],
    ['a total that is a number', { keys: ['7'], confirm: 3 }, 'confirm must be the total of a preview, as text.'],
    ['both', { keys: ['7'], dryRun: true, confirm: '3' }, 'Send either dryRun or confirm.'],
    ['a reason that says nothing', { keys: ['7'], reason: ' ' }, 'reason must be text of 1 to 500 characters.'],
    ['a reason that is no text', { keys: ['7'], reason: 7 }, 'reason must be text of 1 to 500 characters.'],
    [
      'a reason that is too long',
      { keys: ['7'], reason: 'x'.repeat(501) },
      'reason must be text of 1 to 500 characters.',
    ],
    ['a reason that no column holds', { keys: ['7'], reason: 'a\0b' }, 'reason must be text of 1 to 500 characters.'],
  ])('is refused with %s', (_what, body, problem) => {
    expect(problemOf(() => rows(body, 'dryRun', 'confirm'))).toBe(problem);
  });

  it('may have as many keys, and as long a text, as it says', () => {
    expect(rows({ keys: Array(1_000).fill('7') }).keys).toHaveLength(1_000);
    expect(rows({ keys: ['7'], reason: 'x'.repeat(500) }).why.reason).toHaveLength(500);
    expect(problemOf(() => rows({ keys: ['seven'] }))).toMatch(/seven/);
  });

  it('says of a hold what it is called and why', () => {
    expect(readHoldBody(customer, { keys: ['7'], name: ' Dispute ', reason: 'Letter' })).toEqual({
      keys: [7],
      name: 'Dispute',
      reason: 'Letter',
    });
    expect(problemOf(() => readHoldBody(customer, { keys: ['7'], reason: 'Letter' }))).toBe(
      'name must be text of 1 to 500 characters.',
    );
    expect(problemOf(() => readHoldBody(customer, { keys: ['7'], name: 'Dispute' }))).toMatch(/^reason must/);
    expect(problemOf(() => readHoldBody(customer, { keys: ['7'], name: 'a', reason: 'b', dryRun: true }))).toBe(
      'There is no "dryRun". The body may have: keys, name, reason.',
    );
    expect(readReleaseBody({ reason: ' Settled ' })).toBe('Settled');
    expect(problemOf(() => readReleaseBody({}))).toMatch(/^reason must/);
    expect(problemOf(() => readReleaseBody({ reason: 'a', name: 'b' }))).toBe(
      'There is no "name". The body may have: reason.',
    );
  });

  it('says of a purge whether it is a rehearsal, or what it was', () => {
    expect(readPurgeBody({})).toEqual({ dryRun: false, withParents: false, confirm: undefined });
    expect(readPurgeBody({ dryRun: true })).toMatchObject({ dryRun: true });
    expect(problemOf(() => readPurgeBody({ reason: 'a' }))).toBe(
      'There is no "reason". The body may have: dryRun, confirm.',
    );
    expect(requireConfirmation({ confirm: '3' })).toBe('3');
    expect(problemOf(() => requireConfirmation({ confirm: undefined }))).toBe(
      'confirm must be the total of a preview, as text; { dryRun: true } gives it.',
    );
  });
});
