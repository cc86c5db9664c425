import { Migration } from '@mikro-orm/migrations';

export class Migration20261124002403 extends Migration {
  override name = 'Migration20261124002403';

  override up(): void | Promise<void> {
    this.addSql(
      `create table "customers" ("id" serial primary key, "deleted_at" timestamptz null, "email" text not null, "name" text not null, "created_at" timestamptz not null default now());`,
    );
    this.addSql(
      `create index "customers_deleted_at_id_index" on "customers" ("deleted_at", "id") where "deleted_at" is not null;`,
    );
    this.addSql(`create unique index "customers_email_unique" on "customers" ("email") where "deleted_at" is null;`);

    this.addSql(
      `create table "orders" ("id" serial primary key, "deleted_at" timestamptz null, "customer_id" int not null, "placed_at" timestamptz not null default now());`,
    );
    this.addSql(`create index "orders_customer_id_index" on "orders" ("customer_id");`);
    this.addSql(
      `create index "orders_deleted_at_id_index" on "orders" ("deleted_at", "id") where "deleted_at" is not null;`,
    );

    this.addSql(
      `create table "products" ("id" serial primary key, "deleted_at" timestamptz null, "name" text not null, "price_in_cents" int not null);`,
    );
    this.addSql(
      `create index "products_deleted_at_id_index" on "products" ("deleted_at", "id") where "deleted_at" is not null;`,
    );
    this.addSql(`create unique index "products_name_unique" on "products" ("name") where "deleted_at" is null;`);

    this.addSql(
      `create table "order_lines" ("id" serial primary key, "order_id" int not null, "product_id" int not null, "quantity" int not null, "unit_price_in_cents" int not null);`,
    );
    this.addSql(`create index "order_lines_order_id_index" on "order_lines" ("order_id");`);
    this.addSql(`create index "order_lines_product_id_index" on "order_lines" ("product_id");`);

    this.addSql(
      `create table "reviews" ("id" serial primary key, "deleted_at" timestamptz null, "customer_id" int not null, "product_id" int not null, "rating" smallint not null, "text" text not null, "created_at" timestamptz not null default now());`,
    );
    this.addSql(`create index "reviews_customer_id_index" on "reviews" ("customer_id");`);
    this.addSql(`create index "reviews_product_id_index" on "reviews" ("product_id");`);
    this.addSql(
      `create index "reviews_deleted_at_id_index" on "reviews" ("deleted_at", "id") where "deleted_at" is not null;`,
    );
    this.addSql(
      `create unique index "reviews_customer_id_product_id_unique" on "reviews" ("customer_id", "product_id") where "deleted_at" is null;`,
    );

    this.addSql(
      `alter table "orders" add constraint "orders_customer_id_foreign" foreign key ("customer_id") references "customers" ("id");`,
    );

    this.addSql(
      `alter table "order_lines" add constraint "order_lines_order_id_foreign" foreign key ("order_id") references "orders" ("id");`,
    );
    this.addSql(
      `alter table "order_lines" add constraint "order_lines_product_id_foreign" foreign key ("product_id") references "products" ("id");`,
    );

    this.addSql(
      `alter table "reviews" add constraint "reviews_customer_id_foreign" foreign key ("customer_id") references "customers" ("id");`,
    );
    this.addSql(
      `alter table "reviews" add constraint "reviews_product_id_foreign" foreign key ("product_id") references "products" ("id");`,
    );
  }
}
