import { Migration } from '@mikro-orm/migrations';

export class Migration20261129060101 extends Migration {
  override name = 'Migration20261129060101';

  override up(): void | Promise<void> {
    this.addSql(`alter table "erasure" add "ledger_asked_at" timestamptz null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "erasure" drop column "ledger_asked_at";`);
  }
}
