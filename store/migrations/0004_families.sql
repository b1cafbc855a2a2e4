CREATE TABLE "chosen_ids" (
	"id" text PRIMARY KEY NOT NULL,
	"owner" text NOT NULL,
	"epoch" integer NOT NULL,
	"task_id" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "tool_call" json;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "parent_told_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "taken_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "tasks_parent_due" ON "tasks" USING btree ("number") WHERE "tasks"."parent_task_id" is not null and "tasks"."finished_at" is not null and "tasks"."parent_told_at" is null;