CREATE TABLE "result_claims" (
	"conversation_id" text NOT NULL,
	"claim_id" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "result_claims_conversation_id_claim_id_pk" PRIMARY KEY("conversation_id","claim_id")
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "rolled_back" boolean;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "turn" integer;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "queued" text;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "detached" boolean;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "continue_from" json;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "rolled_back" boolean;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "claim_id" text;--> statement-breakpoint
CREATE INDEX "tasks_queued" ON "tasks" USING btree ("conversation_id","turn") WHERE "tasks"."queued" is not null;