package document

import (
	"context"
	"maps"
	"slices"

	"github.com/gennaker/gennaker"
	"github.com/gennaker/gennaker/internal/api"
)

// Notifications keeps who is notified of what happens in an application.
//
// Shape: {"slack": [{"address": …, "when": [pipeline.failed, …]}, …], "email":
// …}; what else stands in it is kept.
type Notifications interface {
	// Notifications returns those of an application; it is empty if there are
	// none.
	Notifications(ctx context.Context, application string) (map[string]any, error)
	// SaveNotifications replaces them; nil is none any more.
	SaveNotifications(ctx context.Context, application string, doc map[string]any, user string) error
}

// NotificationType is a way of notifying that was added to the server.
//
// Source: Gate's notification metadata, which plugins fill.
type NotificationType struct {
	Type       string           `json:"notificationType"`
	Parameters []map[string]any `json:"parameters"`
}

// notificationTypes are none: Deck knows those of Spinnaker itself.
func (h handlers) notificationTypes(*api.Request) ([]NotificationType, error) {
	return []NotificationType{}, nil
}

func (h handlers) notifications(r *api.Request) (map[string]any, error) {
	return h.Notifications.Notifications(r.Context(), r.PathValue("app"))
}

// formats are the types of notifications that Spinnaker has.
//
// Source: Front50's NotificationDAO.
var formats = []string{"email", "googlechat", "hipchat", "microsoftteams", "pubsub", "slack", "sms"}

func (h handlers) saveNotifications(r *api.Request, doc *gennaker.Document) (api.Nothing, error) {
	var problems []gennaker.Problem
	for _, format := range slices.Sorted(maps.Keys(doc.Value)) {
		if v := doc.Value[format]; v != nil && slices.Contains(formats, format) {
			if _, ok := v.([]any); !ok {
				problems = append(problems, gennaker.Problem{Path: format, Message: "must be a list of notifications"})
			}
		}
	}
	if len(problems) > 0 {
		return api.Nothing{}, doc.Invalid(problems)
	}
	app := r.PathValue("app")
	doc.Value["application"] = app
	return api.Nothing{}, h.Notifications.SaveNotifications(r.Context(), app, doc.Value, r.Caller.User)
}

func (h handlers) deleteNotifications(r *api.Request) (api.Nothing, error) {
	return api.Nothing{}, h.Notifications.SaveNotifications(r.Context(), r.PathValue("app"), nil, r.Caller.User)
}
