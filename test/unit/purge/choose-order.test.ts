import { chooseOrder } from '../../../lib/purge/run/choose-order.js';
import { SAMPLE_SIZE } from '../../../lib/purge/statements/sample-due.js';

describe(chooseOrder, () => {
  const choose = async (table: object, sample: object = {}, due = 0, pass = 0) => {
    const answers: object[] = [{ pages: 100, sampled: SAMPLE_SIZE, sampledPages: SAMPLE_SIZE, ...sample }, { due }];
    let asked = 0;
    const connection = { read: async () => [answers[asked++]] };
    const { selfReferences = [], hasPurgeIndex = true, isPartitioned = false } = table as Record<string, never>;
    const column = { name: '"deleted_at"', type: 'timestamptz' };
    const entity = { hasPurgeIndex, deletedAt: column, table: { isPartitioned, id: 1, name: 'visit', key: [column] } };
    const plan = { entity, selfReferences };
    const rows = { plan, cutoff: new Date(), quote: (text: string) => `'${text}'`, failed: [] };
    return [await chooseOrder(connection as never, { plan, rows } as never, pass), asked];
  };

  it('reads by place where there is no index by age, without a look at the rows', async () => {
    expect(await choose({ hasPurgeIndex: false })).toEqual(['place', 0]);
    expect(await choose({ hasPurgeIndex: false, selfReferences: ['parent'] })).toEqual(['place', 0]);
  });

  it('begins with the youngest of rows that reference each other, and takes the other way in turns', async () => {
    expect(await choose({ selfReferences: ['parent'] }, {}, 0, 0)).toEqual(['youth', 0]);
    expect(await choose({ selfReferences: ['parent'] }, {}, 0, 1)).toEqual(['age', 0]);
    expect(await choose({ selfReferences: ['parent'] }, {}, 0, 2)).toEqual(['youth', 0]);
  });

  it('reads partitions by age', async () => {
    expect(await choose({ isPartitioned: true })).toEqual(['age', 0]);
    expect(await choose({ isPartitioned: true, hasPurgeIndex: false })).toEqual(['age', 0]);
  });

  it.each([
    [
      'that lie next to each other, however many are due',
      { sampledPages: Math.floor(SAMPLE_SIZE / 8) },
      200,
      ['age', 1],
    ],
    ['that lie almost next to each other', { sampledPages: Math.ceil(SAMPLE_SIZE / 8) }, 200, ['place', 2]],
    ['of which there are too few to tell', { sampled: SAMPLE_SIZE - 1, sampledPages: 1 }, 200, ['place', 2]],
    ['of which there are two on each page', {}, 200, ['place', 2]],
    ['of which there are fewer', {}, 199, ['age', 2]],
    ['of a table without pages yet', { pages: 0 }, 1, ['place', 2]],
    ['of which none is due', { pages: 0 }, 0, ['age', 2]],
  ])('chooses by a sample of rows %s', async (_what, sample, due, expected) => {
    expect(await choose({}, sample, due)).toEqual(expected);
  });
});
