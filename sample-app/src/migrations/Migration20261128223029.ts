import { Migration } from '@mikro-orm/migrations';

export class Migration20261128223029 extends Migration {
  override name = 'Migration20261128223029';

  override up(): void | Promise<void> {
    this.addSql(`alter table "deletion_record" add "unit_times" timestamptz[] null;`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table "deletion_record" drop column "unit_times";`);
  }
}
