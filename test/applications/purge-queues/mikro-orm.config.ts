import { defineConfig } from '@mikro-orm/postgresql';
import { softDelete } from 'nestjs-mikro-orm-soft-delete';
import { Owner, Thing } from './entities.js';

/** For the workers and for the `soft-delete` command. Small batches with pauses: a test has to catch a run while it is under way. */
export default defineConfig({
  clientUrl: process.env['DATABASE_URL']!,
  entities: [Owner, Thing],
  extensions: [softDelete({ purge: { engine: 'external', brake: false, batchSize: 50, pauseBetweenBatches: '15ms' } })],
});
