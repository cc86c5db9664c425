import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { LibraryModule } from './library/library.module';

@Module({
  imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: process.env.DATABASE_URL!,
      autoLoadEntities: true,
    }),
    SoftDeleteModule.forRoot(),
    LibraryModule,
  ],
})
export class AppModule {}
