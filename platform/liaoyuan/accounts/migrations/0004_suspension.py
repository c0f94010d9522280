from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_people_and_links")]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="suspended_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="suspended_reason",
            field=models.CharField(blank=True, default="", max_length=300),
        ),
    ]
