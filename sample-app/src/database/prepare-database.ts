import type { MikroORM } from '@mikro-orm/postgresql';
import { ShopSeeder } from '../seeders/shop.seeder.js';

/** Brings the tables up to date, and fills them the first time. */
export async function prepareDatabase(orm: Pick<MikroORM, 'em' | 'migrator' | 'seeder'>): Promise<void> {
  await orm.migrator.up();
  const [{ empty }] = await orm.em.execute<[{ empty: boolean }]>('select not exists (select from customers) as empty');
  if (empty) {
    await orm.seeder.seed(ShopSeeder);
  }
}
