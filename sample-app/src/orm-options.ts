import { fileURLToPath } from 'node:url';
import { Migrator } from '@mikro-orm/migrations';
import { defineConfig } from '@mikro-orm/postgresql';
import { SeedManager } from '@mikro-orm/seeder';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Customer } from './entities/customer.entity.js';
import { Order } from './entities/order.entity.js';
import { OrderLine } from './entities/order-line.entity.js';
import { PageView } from './entities/page-view.entity.js';
import { Product } from './entities/product.entity.js';
import { Review } from './entities/review.entity.js';

/** What the app and the ORM's command line have in common. */
export function ormOptions(clientUrl: string) {
  return defineConfig({
    clientUrl,
    entities: [Customer, Product, Order, OrderLine, Review, PageView, ...complianceEntities()],
    extensions: [Migrator, SeedManager],
    migrations: {
      path: fileURLToPath(new URL('migrations', import.meta.url)),
      pathTs: fileURLToPath(new URL('../src/migrations', import.meta.url)),
      emit: 'ts',
      snapshotName: 'shop',
    },
  });
}
