import { Customer } from './shop.entities.js';
import { PLANT, useErasures } from './use-erasures.js';

describe('An erasure of documents with thousands of texts', () => {
  const test = useErasures();

  it('ends, and finds what fills a column inside of other texts, and what is in the document as it is', async () => {
    await test.database.query(PLANT);
    await test.database.query(`
      update customer set notes = (select jsonb_agg('word ' || n || ' ' || md5(n::text)) from generate_series(1, 20000) as n) where id = 1;
      update purchase set status = 'sent to Ada Lovelace' where id = 1;
      update visit set payload = jsonb_build_object('search', 'word 19999 ' || md5('19999')) where customer_id = 1`);
    expect(await test.erasures.erase(Customer, 1, { reason: 'Ada Lovelace wrote' })).toMatchObject({
      outcome: 'partial',
      residue: 2,
    });
    expect(await test.rows('select reason from erasure')).toEqual([{ reason: '[erased] wrote' }]);
    expect(await test.rows('select notes from customer where id = 1')).toEqual([{ notes: null }]);
  });

  it('does not take for a value of the person what every erased row shows', async () => {
    await test.database.query(PLANT);
    await test.database.query(`update customer set notes = '["[erased]", "nothing else to say"]' where id = 1`);
    expect(await test.erasures.erase(Customer, 1)).toMatchObject({ outcome: 'completed', residue: 0 });
  });
});
